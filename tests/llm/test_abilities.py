"""What a model can do is found out by trying it, over a real server."""

import json
from typing import Any

import pytest

from neuromosaic.interfaces import models
from neuromosaic.llm.abilities import QUESTIONS, WANTED, WORD, abilities
from neuromosaic.llm.completion import Connection
from neuromosaic.llm.openai_client import openai_sender

FILE = f'```python model.py\nWORD = "{WORD}"\n```'


def able(body: dict[str, Any]) -> str:
    asked = body["messages"][0]["content"]
    return json.dumps(WANTED) if "JSON" in asked else FILE if "model.py" in asked else f"It is {WORD}."


def tried(server: Any) -> dict[str, bool]:
    return {a.name: a.works for a in abilities("openai/x", *openai_sender("openai/x", Connection(server.base)))}


def test_an_able_model_can_do_everything(server: Any) -> None:
    server.answers = [able]
    assert set(tried(server)) == {question.name for question in QUESTIONS}
    assert all(tried(server).values())
    assert "response_format" in server.bodies[1]
    assert "tools" in server.bodies[2]
    assert len(server.prompt(5)) > 20_000


def test_a_model_that_only_chats_is_seen_through(server: Any) -> None:
    server.answers = [f"Of course! {WORD} is a nice word."]
    found = tried(server)
    assert [name for name, works in found.items() if works] == ["answers", "8000 tokens of context"]


def test_other_code_and_other_objects_do_not_count(server: Any) -> None:
    server.answers = [WORD, "{}", "{}", "{}", '```python model.py\nWORD = "x"\n```', "rain"]
    assert list(tried(server).values()) == [True, False, False, False, False, False]


def test_a_silent_model_is_asked_once(server: Any, fault: Any) -> None:
    server.answers = [fault(401, "no key")]
    assert tried(server) == {"answers": False}
    assert len(server.bodies) == 1


def test_the_command_says_what_works_and_ends_with_1_where_it_is_not_enough(
    server: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    server.answers = [able]
    assert models.check(["openai/x"], server.base, 5.0, as_json=False) == 0
    assert "code blocks" in capsys.readouterr().out
    server.answers = [WORD]
    assert models.check(["openai/x"], server.base, 5.0, as_json=True) == 1
    assert json.loads(capsys.readouterr().out)["openai/x"][0]["works"] is True
