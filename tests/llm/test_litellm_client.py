"""LiteLLM against a real server: the same errors in the same words. The one module that pays for its import."""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from neuromosaic import llm
from neuromosaic.core.errors import ModelClientError, ModelRefusedError, ModelUnavailableError
from neuromosaic.core.proposals import FamilyProposal, Judgement, Request
from neuromosaic.llm.chat import ChatClient
from neuromosaic.llm.completion import Connection
from neuromosaic.llm.litellm_client import litellm_completion
from neuromosaic.prompts.roles import load_roles

Make = Callable[..., ChatClient]


@pytest.fixture
def client(server: Any) -> Make:
    def make(name: str = "hosted_vllm/test", **connection: Any) -> ChatClient:
        known = {"api_base": server.base, "timeout": 5.0, "retries": 1, "backoff": 0.0} | connection
        return ChatClient(name, litellm_completion(name, Connection(**known)), load_roles())

    return make


def test_asks_any_provider_and_returns_the_typed_reply(
    client: Make, server: Any, texts: dict[str, str], family_request: Request[FamilyProposal]
) -> None:
    server.answers = [texts["family"]]
    assert client().ask(family_request).source == texts["model.py"]
    assert server.bodies[0]["model"] == "test"
    assert "[batch, 1, 8, 8]" in server.prompt(0)


def test_asks_for_a_decision_by_native_schema_or_without(
    client: Make, server: Any, texts: dict[str, str], fault: Any, judge_request: Request[Judgement]
) -> None:
    server.answers = [fault(400, "guided json_schema is not supported"), texts["judgement"]]
    assert client().ask(judge_request).decision == "certify"
    assert ["response_format" in body for body in server.bodies] == [True, False]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_fault_is_tried_again(
    client: Make, server: Any, texts: dict[str, str], fault: Any, judge_request: Request[Judgement], status: int
) -> None:
    server.answers = [fault(status, "not now"), texts["judgement"]]
    assert client().ask(judge_request).decision == "certify"


@pytest.mark.parametrize(
    ("status", "kind", "told"),
    [
        (400, ModelRefusedError, "did not accept the request"),
        (401, ModelRefusedError, "the key was not accepted for hosted_vllm/test .401.: set HOSTED_VLLM_API_KEY"),
        (404, ModelRefusedError, "knows no model 'test'"),
        (500, ModelUnavailableError, "failed .500"),
    ],
)
def test_faults_are_told_without_keys(
    client: Make,
    server: Any,
    fault: Any,
    judge_request: Request[Judgement],
    status: int,
    kind: type[ModelClientError],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    key = "sk-secret-0123456789"
    monkeypatch.setenv("HOSTED_VLLM_API_KEY", key)
    server.answers = [fault(status, f"{key} is wrong")]
    with pytest.raises(kind, match=told) as caught:
        client().ask(judge_request)
    assert server.keys[0] == f"Bearer {key}"
    assert key not in f"{caught.value!r} {caught.value.__cause__}"
    assert capfd.readouterr() == ("", "")


def test_a_silent_server_is_left_after_the_timeout(
    client: Make, server: Any, fault: Any, judge_request: Request[Judgement]
) -> None:
    server.answers = [fault(0, "hang")]
    with pytest.raises(ModelUnavailableError, match=r"gave no answer within 0\.4 s"):
        client(timeout=0.4, retries=0).ask(judge_request)


def test_a_cut_connection_is_told(client: Make, server: Any, fault: Any, judge_request: Request[Judgement]) -> None:
    server.answers = [fault(0, "cut")]
    with pytest.raises(ModelUnavailableError, match=r"broke off in the middle"):
        client(retries=0).ask(judge_request)


def test_a_server_that_is_not_there_is_told_with_its_address(client: Make, judge_request: Request[Judgement]) -> None:
    with pytest.raises(ModelUnavailableError, match=r"no model server answers at http://127\.0\.0\.1:1/v1"):
        client(api_base="http://127.0.0.1:1/v1", retries=0).ask(judge_request)


def test_a_missing_key_and_an_unknown_provider_are_told(
    client: Make, judge_request: Request[Judgement], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llm, "ALLOW_MODEL_REQUESTS", True)
    with pytest.raises(ModelRefusedError, match="set ANTHROPIC_API_KEY"):
        client("anthropic/claude-x", api_base=None).ask(judge_request)
    with pytest.raises(ModelRefusedError, match="LLM Provider NOT provided"):
        client("nosuch/model", api_base=None).ask(judge_request)


def test_the_switch_keeps_requests_on_this_machine(client: Make, judge_request: Request[Judgement]) -> None:
    with pytest.raises(ModelRefusedError, match="ALLOW_MODEL_REQUESTS is False"):
        client("anthropic/claude-x", api_base=None).ask(judge_request)


def test_whatever_litellm_raises_is_one_sentence(
    client: Make, judge_request: Request[Judgement], monkeypatch: pytest.MonkeyPatch
) -> None:
    import litellm

    def broken(**_: Any) -> None:
        raise KeyError("a provider's bug, Bearer abcdefgh")

    monkeypatch.setattr(litellm, "completion", broken)
    with pytest.raises(ModelRefusedError, match="LiteLLM cannot ask hosted_vllm/test: KeyError") as caught:
        client().ask(judge_request)
    assert "abcdefgh" not in str(caught.value)


def test_neither_sdk_is_loaded_before_a_model_is_asked() -> None:
    code = (
        "import sys\n"
        "from neuromosaic.llm.choose import client_for\n"
        "from neuromosaic.prompts.roles import load_roles\n"
        "client_for(['openai/a', 'anthropic/b'], roles=load_roles())\n"
        "print([name for name in ('openai', 'litellm', 'jinja2', 'torch', 'httpx') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout.strip() == "[]"
