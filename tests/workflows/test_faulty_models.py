"""Whole runs with a model server that stumbles: each ends with a certified network or with one clear reason."""

import random
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks.role_faults import faults
from tests.chat_server import ChatServer, chat_server
from tests.faulty_model import REFUSALS, SPOILT, Right, Stumbling, impatience, play, thrift
from tests.frugal_model import Frugal
from tests.served_designer import serve_designer


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server() as chat, impatience(), thrift():
        yield chat


@pytest.fixture
def right(monkeypatch: pytest.MonkeyPatch) -> Right:
    return serve_designer(monkeypatch, Frugal())


@pytest.mark.parametrize("share", [0.2, pytest.param(0.5, marks=pytest.mark.soak)])
def test_a_run_certifies_though_many_answers_are_bad(
    share: float, tmp_path: Path, server: ChatServer, right: Right
) -> None:
    model = Stumbling(right, random.Random(3), share)
    server.answers = [model]
    assert play(tmp_path, server, ("openai/t", "tests.frugal_model:Frugal")).came_to == "met"
    assert {"right"} < set(model.drawn)


@pytest.mark.parametrize(
    ("fault", "ends_as"),
    [("prose", "ReplyError"), ("500", "ModelUnavailableError"), ("expired key", "ModelRefusedError")],
)
def test_a_run_ends_with_a_reason_where_nothing_good_comes(
    fault: str, ends_as: str, tmp_path: Path, server: ChatServer
) -> None:
    server.answers = [REFUSALS[fault] if fault in REFUSALS else SPOILT[fault]("")]
    ending = play(tmp_path, server, ("openai/t",))
    assert ending.came_to == ends_as
    assert "openai/t" in ending.reason
    assert "\n" not in ending.reason


@pytest.mark.parametrize("fault", [*SPOILT, *REFUSALS])
def test_each_fault_is_one(fault: str, right: Right) -> None:
    """Every way to go wrong changes the text that it is of a kind with."""
    text = "import torch\n\n\ndef f(self, hidden):\n    assert self.x\n    return nn.Linear(hidden, 3), {}\n"
    assert fault in REFUSALS or SPOILT[fault](text) != text


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_twenty_runs_under_random_faults(tmp_path: Path) -> None:
    """A sample of the thousand that `benchmarks/roles.py faults --runs 1000` plays."""
    with ExitStack() as stack:
        *lines, told = faults(20, 0, tmp_path, stack)
    assert told["wrong"] == [], [line for line in lines if line["wrong"]]
    assert told["runs"] == 20
    assert {"met"} < set(told["came_to"])
