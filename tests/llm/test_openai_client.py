"""The OpenAI SDK against a real server: every way to answer wrongly ends in one clear sentence."""

import logging
import time
from collections.abc import Callable
from typing import Any

import pytest

from neuromosaic import llm
from neuromosaic.core.errors import ModelClientError, ModelRefusedError, ModelUnavailableError, ReplyError
from neuromosaic.core.proposals import FamilyProposal, Judgement, Request
from neuromosaic.llm.chat import ChatClient
from neuromosaic.llm.completion import Connection
from neuromosaic.llm.openai_client import as_openai_names_it, openai_completion
from neuromosaic.prompts.roles import load_roles

Make = Callable[..., ChatClient]


@pytest.fixture
def client(server: Any) -> Make:
    def make(name: str = "openai/test", **connection: Any) -> ChatClient:
        known = {"api_base": server.base, "timeout": 5.0, "retries": 2, "backoff": 0.0} | connection
        return ChatClient(name, openai_completion(name, Connection(**known)), load_roles())

    return make


def test_asks_with_the_role_s_prompt_and_returns_the_typed_reply(
    client: Make, server: Any, texts: dict[str, str], family_request: Request[FamilyProposal]
) -> None:
    server.answers = [texts["family"]]
    proposal = client().ask(family_request)
    assert proposal.source == texts["model.py"]
    assert proposal.name == "small MLP"
    assert proposal.rationale == "A plain network is enough here."
    body = server.bodies[0]
    assert body["model"] == "test"
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert "[batch, 1, 8, 8]" in server.prompt(0)
    assert "response_format" not in body
    assert "temperature" not in body


def test_asks_for_a_decision_by_native_schema(
    client: Make, server: Any, texts: dict[str, str], judge_request: Request[Judgement]
) -> None:
    server.answers = [texts["judgement"]]
    assert client().ask(judge_request).decision == "certify"
    form = server.bodies[0]["response_format"]
    assert form["type"] == "json_schema"
    assert form["json_schema"]["schema"]["properties"]["decision"]["enum"] == ["continue", "certify"]


def test_asks_in_prose_from_then_on_where_the_server_knows_no_schema(
    client: Make, server: Any, texts: dict[str, str], fault: Any, judge_request: Request[Judgement]
) -> None:
    server.answers = [fault(400, "response_format is not supported"), texts["judgement"]]
    one = client()
    assert one.ask(judge_request).decision == "certify"
    assert one.ask(judge_request).decision == "certify"
    assert ["response_format" in body for body in server.bodies] == [True, False, False]


def test_sends_temperature_and_limit_of_the_role(
    client: Make, server: Any, texts: dict[str, str], judge_request: Request[Judgement]
) -> None:
    roles = load_roles()
    roles["Metrics"] = roles["Metrics"].model_copy(update={"temperature": 0.2, "max_tokens": 500})
    server.answers = [texts["judgement"]]
    complete = openai_completion("openai/test", Connection(server.base))
    ChatClient("openai/test", complete, roles).ask(judge_request)
    assert server.bodies[0]["temperature"] == 0.2
    assert server.bodies[0]["max_tokens"] == 500


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ("", "the reply is empty"),
        ("I would rather not.", "no JSON object"),
        ('{"decision": "maybe"}', "decision: Input should be 'continue' or 'certify' (not 'maybe')"),
        ('{"decision": "certify", "mood": "good"}', "mood: Extra inputs are not permitted"),
    ],
)
def test_a_bad_reply_is_repaired_once_by_quoting_the_fault(
    client: Make, server: Any, texts: dict[str, str], judge_request: Request[Judgement], bad: str, told: str
) -> None:
    server.answers = [bad, texts["judgement"]]
    assert client().ask(judge_request).decision == "certify"
    assert [message["role"] for message in server.bodies[1]["messages"]] == ["system", "user", "assistant", "user"]
    assert told in server.prompt(1)


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ("", "the reply is empty"),
        ("A network would be nice.", "no block for model.py"),
        ("```python\nclass Model: ...\n```\n```python\nclass Model: pass\n```", "2 blocks that may be model.py"),
        ("```python model.py\nclass Model:\n    pass", "model.py is cut off"),
        ("```python model.py\nclass Net: ...\n```\n```json space.json\n{}\n```", "space.json must be"),
    ],
)
def test_a_reply_without_usable_code_ends_in_one_sentence(
    client: Make, server: Any, family_request: Request[FamilyProposal], bad: str, told: str
) -> None:
    server.answers = [bad]
    with pytest.raises(ReplyError, match="openai/test, asked as NetworkArchitect to 'propose'") as caught:
        client().ask(family_request)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(server.bodies) == 2


def test_a_reply_that_the_token_limit_cut_off_is_told_to_be_shorter(
    client: Make, server: Any, truncated: Any, texts: dict[str, str], family_request: Request[FamilyProposal]
) -> None:
    server.answers = [truncated(texts["family"][:200]), texts["family"]]
    client().ask(family_request)
    assert "cut off at the limit of tokens" in server.prompt(1)


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_a_passing_fault_is_tried_again(
    client: Make, server: Any, texts: dict[str, str], fault: Any, judge_request: Request[Judgement], status: int
) -> None:
    server.answers = [fault(status, "not now", {"Retry-After": "0"}), texts["judgement"]]
    assert client(backoff=30.0).ask(judge_request).decision == "certify"
    assert len(server.bodies) == 2


def test_a_wait_that_takes_too_long_is_not_waited_for(
    client: Make, server: Any, fault: Any, judge_request: Request[Judgement]
) -> None:
    server.answers = [fault(429, "come back tomorrow", {"Retry-After": "86400"})]
    with pytest.raises(ModelUnavailableError, match=r"limits its rate \(429: .*come back tomorrow"):
        client().ask(judge_request)
    assert len(server.bodies) == 1


def test_a_server_that_keeps_failing_is_given_up(
    client: Make, server: Any, fault: Any, judge_request: Request[Judgement]
) -> None:
    server.answers = [fault(500, "out of memory", {"Retry-After": "soon"})]
    with pytest.raises(ModelUnavailableError, match=r"openai/test at http://127.*failed \(500: .*out of memory"):
        client().ask(judge_request)
    assert len(server.bodies) == 3


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (400, "too many tokens", r"did not accept the request \(400: .*too many tokens"),
        (401, "no", r"the key was not accepted for openai/test \(401\): set OPENAI_API_KEY"),
        (403, "no", r"the key was not accepted"),
        (404, "what model?", r"knows no model 'test' \(404: .*what model\?.*mend --model or --api-base"),
        (429, '{"error": {"message": "pay", "code": "insufficient_quota"}}', "has no quota left"),
    ],
)
def test_a_refusal_is_not_tried_again(
    client: Make, server: Any, fault: Any, judge_request: Request[Judgement], status: int, body: str, told: str
) -> None:
    server.answers = [fault(status, body)]
    with pytest.raises(ModelRefusedError, match=told):
        client().ask(judge_request)
    assert len(server.bodies) == 1


def test_a_silent_server_is_left_after_the_timeout(
    client: Make, server: Any, fault: Any, judge_request: Request[Judgement]
) -> None:
    server.answers = [fault(0, "hang")]
    started = time.monotonic()
    with pytest.raises(ModelUnavailableError, match=r"gave no answer within 0\.3 s"):
        client(timeout=0.3, retries=1).ask(judge_request)
    assert time.monotonic() - started < 5
    assert len(server.bodies) == 2


def test_a_cut_connection_is_tried_again_and_then_told(
    client: Make, server: Any, texts: dict[str, str], fault: Any, judge_request: Request[Judgement]
) -> None:
    server.answers = [fault(0, "cut"), texts["judgement"]]
    assert client().ask(judge_request).decision == "certify"
    server.answers = [fault(0, "cut")]
    with pytest.raises(ModelUnavailableError, match="broke off in the middle"):
        client().ask(judge_request)


@pytest.mark.parametrize("body", ["{not json", "<html>hello</html>"])
def test_an_answer_that_is_no_json_is_told(
    client: Make, server: Any, fault: Any, judge_request: Request[Judgement], body: str
) -> None:
    kind = "text/html" if body.startswith("<") else "application/json"
    server.answers = [fault(200, body, {"Content-Type": kind})]
    with pytest.raises(ModelClientError, match=r"broke off in the middle|no chat completion"):
        client().ask(judge_request)


def test_an_answer_without_choices_is_for_the_next_model(
    client: Make, server: Any, judge_request: Request[Judgement]
) -> None:
    server.answers = [{"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": []}]
    with pytest.raises(ModelUnavailableError, match="sent a chat completion without any text"):
        client().ask(judge_request)


def test_an_answer_that_is_no_completion_is_for_a_person(
    client: Make, server: Any, judge_request: Request[Judgement]
) -> None:
    server.answers = [{"status": "ok"}]
    with pytest.raises(ModelRefusedError, match="sent no chat completion: mend --api-base"):
        client().ask(judge_request)


def test_a_server_that_is_not_there_is_told_with_its_address(client: Make, judge_request: Request[Judgement]) -> None:
    with pytest.raises(ModelUnavailableError, match=r"no model server answers at http://127\.0\.0\.1:1/v1: start it"):
        client(api_base="http://127.0.0.1:1/v1").ask(judge_request)


def test_a_wrong_path_is_told(client: Make, server: Any, judge_request: Request[Judgement]) -> None:
    with pytest.raises(ModelRefusedError, match="404"):
        client(api_base=server.base.removesuffix("/v1") + "/api").ask(judge_request)


def test_a_local_server_needs_no_key_and_gets_the_one_there_is(
    client: Make,
    server: Any,
    texts: dict[str, str],
    judge_request: Request[Judgement],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.answers = [texts["judgement"]]
    client().ask(judge_request)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-0123456789")
    client().ask(judge_request)
    assert server.keys == ["Bearer none", "Bearer sk-secret-0123456789"]


@pytest.mark.parametrize("status", [400, 401, 404, 500])
def test_the_key_is_in_no_error_no_log_and_no_repr(
    client: Make,
    server: Any,
    fault: Any,
    judge_request: Request[Judgement],
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    key = "sk-secret-0123456789"
    monkeypatch.setenv("OPENAI_API_KEY", key)
    server.answers = [fault(status, f"key {key} is wrong, Bearer {key}")]
    one = client()
    with pytest.raises(ModelClientError) as caught:
        one.ask(judge_request)
    assert server.keys[0] == f"Bearer {key}"
    assert key not in f"{caught.value!r} {caught.value} {one!r} {caught.value.__cause__}"
    assert key not in caplog.text


def test_without_a_key_no_one_else_is_asked(
    judge_request: Request[Judgement], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llm, "ALLOW_MODEL_REQUESTS", True)
    one = ChatClient("openai/gpt-x", openai_completion("openai/gpt-x", Connection()), load_roles())
    with pytest.raises(ModelRefusedError, match="there is no key for openai/gpt-x: set OPENAI_API_KEY"):
        one.ask(judge_request)


@pytest.mark.parametrize("base", [None, "http://127.evil.example/v1", "https://api.example/v1"])
def test_the_switch_keeps_requests_on_this_machine(
    judge_request: Request[Judgement], base: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-0123456789")
    one = ChatClient("openai/gpt-x", openai_completion("openai/gpt-x", Connection(base)), load_roles())
    with pytest.raises(ModelRefusedError, match="ALLOW_MODEL_REQUESTS is False"):
        one.ask(judge_request)


def test_a_proxy_is_no_way_to_this_machine(
    client: Make,
    server: Any,
    texts: dict[str, str],
    judge_request: Request[Judgement],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    server.answers = [texts["judgement"]]
    assert client().ask(judge_request).decision == "certify"


def test_the_address_in_the_environment_counts(
    server: Any, texts: dict[str, str], judge_request: Request[Judgement], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.base)
    server.answers = [texts["judgement"]]
    one = ChatClient("openai/test", openai_completion("openai/test", Connection()), load_roles())
    assert one.ask(judge_request).decision == "certify"


def test_openai_s_own_models_get_the_limit_by_its_new_name() -> None:
    assert as_openai_names_it({"max_tokens": 5, "messages": []}) == {"max_completion_tokens": 5, "messages": []}
