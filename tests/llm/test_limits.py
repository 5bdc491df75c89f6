"""Limits hold over all clients together; decisions come by schema, tool or prompt."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from neuromosaic.core.errors import ReplyError, SpendingLimitError
from neuromosaic.core.proposals import Judgement, Request
from neuromosaic.llm.chat import ChatClient
from neuromosaic.llm.choose import client_for
from neuromosaic.llm.completion import Connection
from neuromosaic.llm.openai_client import openai_completion
from neuromosaic.llm.spending import Limits, Spending
from neuromosaic.prompts.roles import load_roles


def client(server: Any, spending: Spending | None = None) -> ChatClient:
    connection = Connection(server.base, timeout=5.0, retries=0)
    return ChatClient("openai/t", openai_completion("openai/t", connection), load_roles(), spending=spending)


def called(name: str, arguments: str) -> dict[str, Any]:
    call = {"id": "1", "type": "function", "function": {"name": name, "arguments": arguments}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    return {
        "id": "x", "object": "chat.completion", "created": 1, "model": "t",
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
    }  # fmt: skip


def test_without_schemas_a_decision_comes_by_a_tool(
    server: Any, fault: Any, texts: dict[str, str], judge_request: Request[Judgement]
) -> None:
    server.answers = [fault(400, "response_format is not supported"), called("reply", texts["judgement"])]
    one = client(server)
    assert one.ask(judge_request).decision == "certify"
    assert server.bodies[1]["tool_choice"]["function"]["name"] == "reply"
    assert "response_format" not in server.bodies[1]


def test_without_tools_either_it_comes_by_the_prompt(
    server: Any, fault: Any, texts: dict[str, str], judge_request: Request[Judgement]
) -> None:
    server.answers = [fault(400, "no json_schema here"), fault(400, "tools are not supported"), texts["judgement"]]
    assert client(server).ask(judge_request).decision == "certify"
    assert set(server.bodies[2]) <= {"messages", "model", "temperature", "max_tokens"}


def test_a_tool_call_that_nobody_asked_for_is_no_reply(server: Any, judge_request: Request[Judgement]) -> None:
    server.answers = [called("delete_everything", json.dumps({"decision": "certify"}))]
    with pytest.raises(ReplyError, match="the reply is empty"):
        client(server).ask(judge_request)


def test_tokens_are_limited_before_they_are_spent(server: Any, texts: Any, judge_request: Request[Judgement]) -> None:
    server.answers = [texts["judgement"]]
    with pytest.raises(SpendingLimitError, match="the limit of 10"):
        client(server, Spending(Limits(tokens=10))).ask(judge_request)
    assert not server.bodies


def test_time_for_models_is_limited(server: Any, texts: Any, judge_request: Request[Judgement]) -> None:
    server.answers = [texts["judgement"]]
    spending = Spending(Limits(seconds=1e-6))
    client(server, spending).ask(judge_request)
    with pytest.raises(SpendingLimitError, match="s for models is reached"):
        client(server, spending).ask(judge_request)
    assert spending.tokens == 120


def test_no_more_calls_are_in_flight_than_allowed(server: Any, texts: Any, judge_request: Request[Judgement]) -> None:
    lock, flying, most = threading.Lock(), [0], [0]

    def slowly(body: dict[str, Any]) -> str:
        with lock:
            flying[0] += 1
            most[0] = max(most[0], flying[0])
        time.sleep(0.03)
        with lock:
            flying[0] -= 1
        return texts["judgement"]

    server.answers = [slowly]
    spending = Spending(Limits(at_once=2))
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: client(server, spending).ask(judge_request), range(6)))
    assert most[0] == 2


def test_a_purpose_may_have_a_model_of_its_own(server: Any, texts: Any, judge_request: Request[Judgement]) -> None:
    server.answers = [texts["judgement"]]
    one = client_for(
        ["openai/strong"],
        roles=load_roles(),
        api_base=server.base,
        purposes={judge_request.purpose: ["openai/cheap"]},
    )
    assert one.ask_named(judge_request)[1] == "openai/cheap"
