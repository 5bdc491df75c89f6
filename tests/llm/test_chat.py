"""Cache, records and limits, over a real server."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from neuromosaic.core.errors import ModelUnavailableError, ReplyError, SpendingLimitError
from neuromosaic.core.proposals import FamilyProposal, Judgement, Request
from neuromosaic.core.store.store import Store
from neuromosaic.llm.chat import LIKELY_COMPLETION, ChatClient
from neuromosaic.llm.completion import Answer, Connection
from neuromosaic.llm.openai_client import openai_completion
from neuromosaic.llm.prices import Price
from neuromosaic.llm.spending import CallRecord, Limits, Spending
from neuromosaic.prompts.roles import load_roles


def chat(server: Any, name: str = "openai/test", retries: int = 0, **options: Any) -> ChatClient:
    complete = openai_completion(name, Connection(server.base, timeout=5.0, retries=retries, backoff=0.01))
    return ChatClient(name, complete, load_roles(), **options)


def test_a_stored_reply_is_not_asked_for_again_and_costs_nothing(
    server: Any, texts: dict[str, str], family_request: Request[FamilyProposal], tmp_path: Path
) -> None:
    server.answers = [texts["family"]]
    calls: list[CallRecord] = []
    first = chat(server, store=Store(tmp_path), price=Price(1e-6, 2e-6), on_call=calls.append).ask(family_request)
    spending = Spending(Limits(calls=0))
    again = chat(server, store=Store(tmp_path), spending=spending, on_call=calls.append).ask(family_request)
    assert again == first
    assert len(server.bodies) == 1
    paid, stored = calls
    assert (paid.cached, paid.prompt_tokens, paid.completion_tokens) == (False, 100, 20)
    assert paid.cost_usd == pytest.approx(100e-6 + 40e-6)
    assert (stored.cached, stored.prompt_tokens, stored.completion_tokens, stored.cost_usd) == (True, 0, 0, 0.0)
    assert stored.prompt_hash == paid.prompt_hash
    assert Store(tmp_path).reply(paid.prompt_hash) == texts["family"]
    assert (paid.role, paid.purpose, paid.model, paid.repaired) == (
        "NetworkArchitect",
        "propose",
        "openai/test",
        False,
    )


def test_another_model_another_setting_or_another_question_is_asked(
    server: Any, texts: dict[str, str], judge_request: Request[Judgement], replies: Any
) -> None:
    server.answers = [texts["judgement"]]
    chat(server, store=replies).ask(judge_request)
    chat(server, "openai/other", store=replies).ask(judge_request)
    warm = load_roles()
    warm["Metrics"] = warm["Metrics"].model_copy(update={"temperature": 1.0})
    ChatClient("openai/test", openai_completion("openai/test", Connection(server.base)), warm, store=replies).ask(
        judge_request
    )
    other = judge_request.model_copy(update={"inputs": judge_request.inputs.model_copy(update={"rounds": 3})})
    chat(server, store=replies).ask(other)
    assert len(server.bodies) == len(replies) == 4


def test_a_repaired_exchange_is_replayed_whole(
    server: Any, texts: dict[str, str], judge_request: Request[Judgement], replies: Any
) -> None:
    server.answers = ["hm", texts["judgement"]]
    calls: list[CallRecord] = []
    chat(server, store=replies, on_call=calls.append).ask(judge_request)
    chat(server, store=replies, on_call=calls.append).ask(judge_request)
    assert len(server.bodies) == 2
    assert [(call.cached, call.repaired) for call in calls] == [
        (False, False),
        (False, True),
        (True, False),
        (True, True),
    ]


def test_a_failed_exchange_is_not_repeated_from_the_store(
    server: Any, texts: dict[str, str], judge_request: Request[Judgement], replies: Any
) -> None:
    server.answers = ["hm", "hm again", texts["judgement"]]
    with pytest.raises(ReplyError):
        chat(server, store=replies).ask(judge_request)
    assert chat(server, store=replies).ask(judge_request).decision == "certify"
    assert len(server.bodies) == 3


def test_what_is_empty_or_cut_off_is_never_kept(
    server: Any, texts: dict[str, str], truncated: Any, judge_request: Request[Judgement], replies: Any
) -> None:
    server.answers = ["", truncated('{"decision":')]
    with pytest.raises(ReplyError):
        chat(server, store=replies).ask(judge_request)
    assert replies == {}


def test_the_limit_on_calls_holds_before_the_call(
    server: Any, texts: dict[str, str], judge_request: Request[Judgement]
) -> None:
    server.answers = [texts["judgement"]]
    client = chat(server, spending=Spending(Limits(calls=2)))
    client.ask(judge_request)
    client.ask(judge_request)
    with pytest.raises(SpendingLimitError, match="the limit of 2 model calls is reached"):
        client.ask(judge_request)
    assert len(server.bodies) == 2


def test_the_limit_on_calls_holds_among_threads(
    server: Any, texts: dict[str, str], judge_request: Request[Judgement]
) -> None:
    server.answers = [texts["judgement"]]
    client = chat(server, spending=Spending(Limits(calls=3)))

    def refused(_: int) -> bool:
        try:
            client.ask(judge_request)
        except SpendingLimitError:
            return True
        return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(refused, range(8))) == 5
    assert len(server.bodies) == 3


def test_the_limit_on_cost_holds_before_the_call_that_would_exceed_it(
    server: Any, texts: dict[str, str], judge_request: Request[Judgement]
) -> None:
    server.answers = [texts["judgement"]]
    price = Price(0.0, 1e-3)
    most = LIKELY_COMPLETION * price.completion
    spending = Spending(Limits(cost_usd=most + 0.03))
    client = chat(server, spending=spending, price=price)
    client.ask(judge_request)
    client.ask(judge_request)
    assert spending.cost_usd == pytest.approx(2 * 20 * price.completion)
    with pytest.raises(SpendingLimitError, match=r"may cost \$8\.\d+, which with \$0\.0400 spent exceeds the limit"):
        client.ask(judge_request)
    assert len(server.bodies) == 2


def test_a_limit_that_cannot_be_kept_is_refused(server: Any, judge_request: Request[Judgement]) -> None:
    client = chat(server, spending=Spending(Limits(cost_usd=1.0)), price=None)
    with pytest.raises(SpendingLimitError, match="the price of openai/test is not known"):
        client.ask(judge_request)
    assert server.bodies == []


def test_a_lost_answer_counts_at_its_highest_likely_cost(
    server: Any, fault: Any, texts: dict[str, str], judge_request: Request[Judgement]
) -> None:
    """The provider may charge for what it has written, whether it came or not."""
    price, records = Price(0.0, 1e-3), list[CallRecord]()
    spending = Spending(Limits(cost_usd=100.0))
    client = chat(server, spending=spending, price=price, on_call=records.append)
    server.answers = [fault(0, "cut")]
    with pytest.raises(ModelUnavailableError, match="broke off"):
        client.ask(judge_request)
    assert spending.cost_usd == pytest.approx(LIKELY_COMPLETION * price.completion)
    assert (spending.calls, records[0].lost, records[0].cost_usd) == (1, 1, pytest.approx(spending.cost_usd))
    server.answers = [texts["judgement"]]
    client.ask(judge_request)
    assert records[1].lost == 0
    assert spending.cost_usd == pytest.approx(records[0].cost_usd + 20 * price.completion)  # type: ignore[operator]


def test_what_was_lost_before_an_answer_counts_with_it(
    server: Any, fault: Any, texts: dict[str, str], judge_request: Request[Judgement]
) -> None:
    price, records = Price(0.0, 1e-3), list[CallRecord]()
    spending = Spending(Limits(cost_usd=100.0))
    client = chat(server, retries=2, spending=spending, price=price, on_call=records.append)
    server.answers = [fault(500, "no"), fault(0, "cut"), texts["judgement"]]
    client.ask(judge_request)
    assert (spending.calls, records[0].lost) == (2, 1)
    assert records[0].cost_usd == pytest.approx((LIKELY_COMPLETION + 20) * price.completion)
    assert spending.cost_usd == pytest.approx(records[0].cost_usd)


def test_a_call_without_answer_is_not_counted(server: Any, fault: Any, judge_request: Request[Judgement]) -> None:
    server.answers = [fault(500, "no")]
    spending = Spending(Limits(calls=1))
    with pytest.raises(ModelUnavailableError):
        chat(server, spending=spending, price=Price(1.0, 1.0)).ask(judge_request)
    assert (spending.calls, spending.cost_usd) == (0, 0.0)


def test_the_provider_s_own_figure_of_the_cost_counts(
    server: Any, truncated: Any, texts: dict[str, str], judge_request: Request[Judgement]
) -> None:
    response = truncated(texts["judgement"])
    response["usage"]["cost"] = 0.25
    server.answers = [response]
    calls: list[CallRecord] = []
    spending = Spending()
    chat(server, spending=spending, price=Price(1.0, 1.0), on_call=calls.append).ask(judge_request)
    assert calls[0].cost_usd == spending.cost_usd == 0.25


def test_a_cost_that_nobody_knows_is_none(
    server: Any, texts: dict[str, str], judge_request: Request[Judgement]
) -> None:
    server.answers = [texts["judgement"]]
    calls: list[CallRecord] = []
    chat(server, on_call=calls.append).ask(judge_request)
    assert calls[0].cost_usd is None


def test_many_threads_may_ask_at_once(texts: dict[str, str], judge_request: Request[Judgement], replies: Any) -> None:
    meeting = threading.Barrier(4, timeout=10)

    def complete(*_: Any) -> Answer:
        meeting.wait()
        return Answer(texts["judgement"], 1, 1)

    client = ChatClient("openai/test", complete, load_roles(), store=replies)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: client.ask(judge_request), range(4)))
    assert len({answer.decision for answer in answers}) == 1
