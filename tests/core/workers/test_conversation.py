"""A job's two sides: reports are answered, failures arrive as what they are, and nothing said is trusted."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from neuromosaic.core.errors import CandidateError, ExportError, NeuromosaicError, WorkerError
from neuromosaic.core.graph.document import TensorData
from neuromosaic.core.protocols import Converse, Message
from neuromosaic.core.workers.conversation import (
    HostGone,
    Work,
    WorkerGone,
    WorkerLate,
    answer,
    describe_failure,
    failure,
    first_line,
    hold,
)
from neuromosaic.core.workers.wire import Channel

Serve = Callable[[Work], Channel]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a thread that answers one request with the given work; returns the host's channel."""
    threads, sockets = [], []

    def start(work: Work) -> Channel:
        ours, theirs = socket.socketpair()
        sockets.extend([ours, theirs])

        def one() -> None:
            with contextlib.suppress(HostGone):
                answer(Channel(theirs), work)

        threads.append(threading.Thread(target=one))
        threads[-1].start()
        return Channel(ours)

    yield start
    for thread in threads:
        thread.join()
    for each in sockets:
        each.close()


def raising(error: BaseException) -> Work:
    def work(_: Message, __: Converse) -> Message:
        raise error

    return work


def test_reports_are_answered_before_the_result_comes(serve: Serve) -> None:
    def work(request: Message, converse: Converse) -> Message:
        told = [converse(Message({"epoch": n}, {"x": TensorData("bool", (), b"\1")})).body["n"] for n in range(3)]
        return Message({"told": told, "asked": request.body})

    def converse(report: Message) -> Message:
        assert report.tensors["x"].data == b"\1"
        return Message({"n": 10 * report.body["epoch"]})

    assert hold(serve(work), Message({"q": 1}), converse).body == {"told": [0, 10, 20], "asked": {"q": 1}}


@pytest.mark.parametrize(
    ("raised", "kind", "attributes"),
    [
        (CandidateError("bad", "constructor", 3, "net.0"), CandidateError, {"code": "constructor", "line": 3}),
        (ExportError("no", "export", layer="net.1"), ExportError, {"layer": "net.1"}),
        (WorkerError("late", "timeout"), WorkerError, {"cause": "timeout"}),
        (MemoryError(), WorkerError, {"cause": "memory"}),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), WorkerError, {"cause": "memory"}),
        (ZeroDivisionError("division by zero\nsecond line"), CandidateError, {"code": "raised"}),
        (SystemExit(3), CandidateError, {"code": "raised"}),
        (KeyboardInterrupt(), CandidateError, {"code": "raised"}),
    ],
)
def test_what_the_work_raises_arrives_as_what_it_is(
    serve: Serve, raised: BaseException, kind: type[NeuromosaicError], attributes: dict[str, Any]
) -> None:
    with pytest.raises(kind) as caught:
        hold(serve(raising(raised)), Message({}))
    assert type(caught.value) is kind
    assert {name: getattr(caught.value, name) for name in attributes} == attributes
    assert "second line" not in str(caught.value)


def test_no_work_passes_for_a_fault_of_the_machine(serve: Serve) -> None:
    with pytest.raises(WorkerError) as caught:
        hold(serve(raising(WorkerError("the sandbox cannot start", "setup"))), Message({}))
    assert caught.value.cause == "crash"


def test_want_of_memory_behind_an_attributed_error_is_told_as_such() -> None:
    error = CandidateError("RuntimeError: ...")
    error.__cause__ = RuntimeError("std::bad_alloc")
    assert describe_failure(error)["kind"] == "memory"


def test_an_exception_that_cannot_be_printed_is_still_named() -> None:
    class Sly(Exception):
        def __str__(self) -> str:
            raise SystemExit

    assert first_line(Sly()) == "Sly"
    assert first_line(ValueError()) == "ValueError"


def test_nothing_in_a_failure_is_trusted_to_have_its_type() -> None:
    error = failure({"kind": [1], "message": "x" * 9999, "code": 7, "line": "3", "layer": 5})
    assert isinstance(error, CandidateError)
    assert (len(str(error)), error.code, error.line, error.layer) == (500, "7", None, None)


@pytest.mark.parametrize("said", [{"report": {}}, {"result": []}, {"boundary": "x"}, {}])
def test_what_is_no_reply_ends_the_conversation(said: dict[str, Any]) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        Channel(theirs).send(Message(said))
        with pytest.raises(WorkerGone):
            hold(Channel(ours), Message({}))


def test_garbage_and_silence_end_the_conversation() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"print() of a candidate goes nowhere near here")
        with pytest.raises(WorkerGone):
            hold(Channel(ours), Message({}))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        channel = Channel(ours)
        channel.deadline = time.monotonic() + 0.05
        with pytest.raises(WorkerLate):
            hold(channel, Message({}))
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours, pytest.raises(WorkerGone):
        hold(Channel(ours), Message({"large": "x" * 500_000}))


def test_an_error_of_the_hosts_own_answer_is_not_the_workers(serve: Serve) -> None:
    def converse(_: Message) -> Message:
        raise OSError("the disk is full")

    def work(_: Message, report: Converse) -> Message:
        with pytest.raises(HostGone):
            report(Message({}))
        raise HostGone

    def start_and_hang_up() -> None:
        channel = serve(work)
        try:
            hold(channel, Message({}), converse)
        finally:
            channel.close()

    with pytest.raises(OSError, match="the disk is full"):
        start_and_hang_up()


def test_a_worker_whose_host_is_gone_does_not_answer() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        Channel(ours).send(Message({}))
        with pytest.raises(HostGone):
            answer(Channel(theirs), raising(HostGone()))
