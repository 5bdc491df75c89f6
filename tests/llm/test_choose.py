from pathlib import Path
from typing import Any

import pytest

from neuromosaic.core.errors import (
    ModelRefusedError,
    ModelUnavailableError,
    ReplyError,
    SpendingLimitError,
    UsageError,
)
from neuromosaic.core.proposals import Judgement, Request
from neuromosaic.llm.choose import client_for
from neuromosaic.llm.fallback import Fallback, FallbackClient, Witness
from neuromosaic.llm.prices import FREE, Price, price_of
from neuromosaic.llm.scripted import ScriptedClient
from neuromosaic.llm.spending import CallRecord, Limits
from neuromosaic.prompts.roles import load_roles

CERTIFY = '{"decision": "certify"}'
NOBODY = "http://127.0.0.1:1/v1"


class Failing:
    """A client that raises."""

    name = "failing"

    def __init__(self, error: Exception) -> None:
        self.error = error

    def ask(self, request: Any) -> Any:
        raise self.error


def script(tmp_path: Path, text: str = CERTIFY) -> str:
    (tmp_path / "Metrics.judge.md").write_text(text)
    return f"scripted:{tmp_path}"


def test_an_openai_name_is_asked_at_the_given_address(
    server: Any, texts: dict[str, str], judge_request: Request[Judgement], replies: Any
) -> None:
    server.answers = [texts["judgement"]]
    calls: list[CallRecord] = []
    client = client_for(
        ["openai/test"], roles=load_roles(), api_base=server.base, store=replies, on_call=calls.append,
        limits=Limits(cost_usd=0.01),
    )  # fmt: skip
    assert client.name == "openai/test"
    assert client.ask_named(judge_request)[1] == "openai/test"
    assert calls[0].cost_usd == 0.0
    assert len(replies) == 1


def test_any_other_provider_is_asked_by_litellm(
    server: Any, texts: dict[str, str], judge_request: Request[Judgement]
) -> None:
    server.answers = [texts["judgement"]]
    client = client_for(["hosted_vllm/test"], roles=load_roles(), api_base=server.base)
    assert client.ask(judge_request).decision == "certify"
    assert server.bodies[0]["model"] == "test"


def test_falls_back_only_to_what_is_named(judge_request: Request[Judgement], tmp_path: Path) -> None:
    steps: list[Fallback] = []
    alone = client_for(["openai/test"], roles=load_roles(), api_base=NOBODY, retries=0, on_fallback=steps.append)
    with pytest.raises(ModelUnavailableError):
        alone.ask(judge_request)
    assert steps == []
    names = ["openai/test", script(tmp_path)]
    both = client_for(names, roles=load_roles(), api_base=NOBODY, retries=0, on_fallback=steps.append)
    reply, name = both.ask_named(judge_request)
    assert (reply.decision, name) == ("certify", f"scripted:{tmp_path.name}")
    assert [(step.role, step.purpose, step.failed, step.next) for step in steps] == [
        ("Metrics", "judge", "openai/test", name)
    ]
    assert "no model server answers" in steps[0].reason
    assert both.name == f"openai/test, then {name}"


@pytest.mark.parametrize("error", [ModelUnavailableError("gone"), ReplyError("prose")])
def test_goes_on_where_another_may_answer(judge_request: Request[Judgement], error: Exception) -> None:
    client = FallbackClient([Failing(error), Failing(error), ScriptedClient({"Metrics/judge": CERTIFY})])
    witness = Witness(client)
    assert witness.ask(judge_request).decision == "certify"
    assert witness.answered_by == "scripted"
    assert witness.name == client.name


@pytest.mark.parametrize("error", [ModelRefusedError("key"), SpendingLimitError("spent")])
def test_stops_where_a_person_must_mend_something(judge_request: Request[Judgement], error: Exception) -> None:
    client = FallbackClient([Failing(error), ScriptedClient({"Metrics/judge": CERTIFY})])
    with pytest.raises(type(error)):
        client.ask(judge_request)


def test_the_last_error_is_raised(judge_request: Request[Judgement]) -> None:
    client = FallbackClient([Failing(ReplyError("first")), Failing(ReplyError("second"))])
    with pytest.raises(ReplyError, match="second"):
        client.ask(judge_request)


def test_a_witness_names_a_single_client(judge_request: Request[Judgement]) -> None:
    witness = Witness(ScriptedClient({"Metrics/judge": CERTIFY}, name="me"))
    witness.ask(judge_request)
    assert witness.answered_by == "me"


def test_a_role_s_own_model_goes_before_the_others(judge_request: Request[Judgement], tmp_path: Path) -> None:
    roles = load_roles()
    roles["Metrics"] = roles["Metrics"].model_copy(update={"model": script(tmp_path)})
    client = client_for(["openai/test"], roles=roles, api_base=NOBODY)
    assert client.ask(judge_request).decision == "certify"
    assert client.name_of("Metrics") == f"scripted:{tmp_path.name}, then openai/test"
    assert client.name_of("Trainer") == "openai/test"


def test_the_address_is_the_first_provider_s_alone(
    server: Any, fault: Any, judge_request: Request[Judgement]
) -> None:
    server.answers = [fault(500, "broken")]
    client = client_for(["openai/test", "anthropic/claude-x"], roles=load_roles(), api_base=server.base, retries=0)
    with pytest.raises(ModelRefusedError, match="anthropic/claude-x would be asked over the network"):
        client.ask(judge_request)
    assert [body["model"] for body in server.bodies] == ["test"]


def test_a_name_given_twice_is_asked_once(tmp_path: Path) -> None:
    client = client_for(["openai/test", "openai/test"], roles=load_roles())
    assert len(client.clients_of("Trainer")) == 1


def test_offline_is_the_built_in_designer(judge_request: Request[Judgement]) -> None:
    pytest.importorskip("neuromosaic.llm.offline.designer")
    client = client_for(["offline"], roles=load_roles())
    assert client.name == "offline"
    assert client.ask_named(judge_request)[1] == "offline"


@pytest.mark.parametrize(
    ("names", "api_base", "told"),
    [
        ([], None, "no model is named"),
        (["gpt-x"], None, "'gpt-x' names no model: .* such as \"openai/gpt-x\""),
        (["openai/"], None, "'openai/' names no model"),
        (["/x"], None, "'/x' names no model"),
        ([""], None, "'' names no model"),
        (["scripted:/nowhere/at/all"], None, "cannot read the scripted replies"),
        (["openai/x"], "localhost:8765", "'localhost:8765' is no address of a model server"),
        (["openai/x"], "http://", "is no address"),
    ],
)
def test_what_cannot_be_used_is_told(names: list[str], api_base: str | None, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        client_for(names, roles=load_roles(), api_base=api_base)


def test_prices_come_from_the_list() -> None:
    known = price_of("openai/gpt-4o")
    assert known is not None
    assert 0 < known.prompt < known.completion < 1e-3
    assert price_of("openai/no-such-model") is None
    assert price_of("mistral/gpt-4o") is None
    assert price_of("openai/sample_spec") is None
    assert FREE.of(10, 10) == 0
    assert Price(1.0, 2.0).of(3, 4) == 11.0
