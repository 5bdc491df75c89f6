import httpx
import openai
import pytest

from neuromosaic.core.errors import ModelUnavailableError
from neuromosaic.llm.completion import is_loopback
from neuromosaic.llm.faults import fault_of, key_name, redacted


def test_a_provider_that_cannot_be_reached_is_no_matter_of_the_address() -> None:
    error = openai.APIConnectionError(request=httpx.Request("POST", "https://api.example"))
    error.__cause__ = httpx.ConnectError("no route")
    fault = fault_of(error, "openai/x", None, 1.0)
    assert isinstance(fault.error, ModelUnavailableError)
    assert "the provider of openai/x cannot be reached: check the network" in str(fault.error)
    assert fault.passing


def test_causes_in_a_circle_come_to_an_end() -> None:
    error = openai.APIConnectionError(request=httpx.Request("POST", "https://api.example"))
    error.__cause__ = error
    assert "did not accept the request (no status" in str(fault_of(error, "openai/x", None, 1.0).error)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("key sk-abcdef123456 is wrong", "key [key] is wrong"),
        ("http://me:secret@127.0.0.1/v1", "http://127.0.0.1/v1"),
        ("Authorization: bearer abc.def", "Authorization: Bearer [key]"),
        ("the value hunter2-hunter2 leaked", "the value [key] leaked"),
        ("nothing secret, no task-force", "nothing secret, no task-force"),
    ],
)
def test_keys_are_taken_out(text: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "hunter2-hunter2")
    assert redacted(text) == shown


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("openai/x", "OPENAI_API_KEY"),
        ("anthropic/a/b", "ANTHROPIC_API_KEY"),
        ("together-ai/x", "TOGETHER_AI_API_KEY"),
    ],
)
def test_the_key_s_variable_is_named_after_the_provider(model: str, name: str) -> None:
    assert key_name(model) == name


@pytest.mark.parametrize(
    ("base", "here"),
    [
        ("http://127.0.0.1:1/v1", True),
        ("http://localhost/v1", True),
        ("http://[::1]:80", True),
        ("http://127.evil.example", False),
        ("http://localhost.example", False),
        ("http://127.0.0.1@evil.example/v1", False),
        ("http://10.0.0.1", False),
        ("", False),
        (None, False),
    ],
)
def test_only_this_machine_is_this_machine(base: str | None, here: bool) -> None:
    assert is_loopback(base) is here
