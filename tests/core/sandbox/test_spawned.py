"""The sandbox where nothing can be forked: an interpreter for each job, behind the same seam."""

import logging
import socket
import threading
from collections.abc import Iterator

import pytest

from neuromosaic.core.errors import CandidateError, WorkerError
from neuromosaic.core.protocols import Message, Program
from neuromosaic.core.sandbox import process, spawned
from neuromosaic.core.sandbox.process import ProcessSandbox
from neuromosaic.core.signature import Signature
from neuromosaic.core.workers import boundary
from neuromosaic.core.workers.limits import Limits
from neuromosaic.core.workers.wire import Channel

TELLS = """\
import os
from torch import nn


class Model(nn.Module):
    def forward(self, x):
        raise ValueError(f"{os.getpid()} {sorted(os.environ)}")
"""


@pytest.fixture(scope="module")
def alone() -> Iterator[ProcessSandbox]:
    """A sandbox on a system that cannot fork, of a host with a key."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "can_fork", lambda: False)
        patch.setattr(boundary, "can_fork", lambda: False)
        patch.setenv("OPENAI_API_KEY", "sk-secret")
        sandbox = ProcessSandbox(memory_mb=1000)
        yield sandbox
        sandbox.close()


def test_it_exports_and_says_that_it_is_weaker(alone: ProcessSandbox, cnn: Program, signature: Signature) -> None:
    graph = alone.export(cnn, signature).graph
    assert graph is not None
    assert graph.tensors["features.0.weight"].shape == (6, 1, 3, 3)
    assert alone.boundary == "spawned"


def test_each_job_has_an_interpreter_of_its_own_and_no_key(alone: ProcessSandbox, signature: Signature) -> None:
    said = []
    for _ in range(2):
        with pytest.raises(CandidateError) as caught:
            alone.export(Program(TELLS, {}, 0), signature)
        said.append(str(caught.value))
    assert said[0].split()[1] != said[1].split()[1]
    assert "OPENAI" not in said[0]


def test_a_job_that_never_ends_is_killed_in_time(alone: ProcessSandbox, signature: Signature) -> None:
    with pytest.raises(WorkerError, match="not done after 1 s"):
        alone.export(Program(TELLS.replace("raise", "while True: pass\n        raise"), {}, 0), signature, timeout=1)
    with pytest.raises(WorkerError, match="exit code 7"):
        alone.export(Program(TELLS.replace("raise", "os._exit(7)\n        raise"), {}, 0), signature)


def test_more_than_it_can_do_is_refused(monkeypatch: pytest.MonkeyPatch, signature: Signature) -> None:
    monkeypatch.setattr(process, "can_fork", lambda: False)
    sandbox = ProcessSandbox(boundary="seccomp")
    try:
        with pytest.raises(WorkerError, match="would be spawned") as caught:
            sandbox.export(Program("", {}, 0), signature)
        assert caught.value.cause == "setup"
    finally:
        sandbox.close()


def test_the_user_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    spawned.warn_once.cache_clear()
    with caplog.at_level(logging.WARNING):
        spawned.warn_once()
        spawned.warn_once()
    assert [record.getMessage() for record in caplog.records] == [spawned.WARNING]


def test_an_interpreter_that_does_not_start_is_a_failed_set_up(
    monkeypatch: pytest.MonkeyPatch, signature: Signature
) -> None:
    def fail() -> None:
        raise WorkerError("cannot start a worker process: no", "setup")

    monkeypatch.setattr(process, "can_fork", lambda: False)
    monkeypatch.setattr(spawned, "_interpreter", fail)
    sandbox = ProcessSandbox()
    with pytest.raises(WorkerError, match="cannot start") as caught:
        sandbox.export(Program("", {}, 0), signature)
    assert caught.value.cause == "setup"
    sandbox.close()


# ---------------------------------------------------------------- the interpreter's side, in process


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[Channel]:
    """Runs `spawned.main` in a thread of this process, which must not limit itself; the host's channel to it."""
    ours, theirs = socket.socketpair()
    for name in ("die_with_parent", "warm"):
        monkeypatch.setattr(spawned, name, lambda *_: None)
    monkeypatch.setattr(spawned, "serve_one", lambda channel, _: channel.send(Message({"served": True})))
    thread = threading.Thread(target=spawned.main, args=(str(theirs.detach()), "1"))
    thread.start()
    yield Channel(ours)
    ours.close()
    thread.join()


def test_an_interpreter_limits_itself_and_does_one_job(here: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    limited: list[Limits] = []
    monkeypatch.setattr(spawned, "limit_resources", limited.append)
    here.send(Message({"memory_mb": 10, "cpu_seconds": 2.0}))
    assert here.receive().body == {"boundary": "spawned"}
    assert here.receive().body == {"served": True}
    assert (limited[0].memory_mb, limited[0].cpu_seconds) == (10, 2.0)


def test_an_interpreter_that_cannot_limit_itself_does_nothing(here: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Limits) -> None:
        raise WorkerError("no limits", "setup")

    monkeypatch.setattr(spawned, "limit_resources", refuse)
    here.send(Message({"memory_mb": 10, "cpu_seconds": 2.0}))
    assert here.receive().body["failed"] == {"kind": "setup", "message": "no limits"}
    with pytest.raises(EOFError):
        here.receive()
