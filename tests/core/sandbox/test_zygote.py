"""The zygote's side, in process: orders, ends and the first steps of a child."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from neuromosaic.core.errors import CandidateError, WorkerError
from neuromosaic.core.protocols import Job, Message, Program
from neuromosaic.core.sandbox import zygote
from neuromosaic.core.sandbox.children import Child
from neuromosaic.core.signature import Signature
from neuromosaic.core.workers import bubblewrap
from neuromosaic.core.workers.conversation import hold
from neuromosaic.core.workers.limits import Limits
from neuromosaic.core.workers.requests import request
from neuromosaic.core.workers.wire import Channel

Order = Callable[..., dict[str, Any]]


@pytest.fixture
def forked(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """Has a fork start `sleep` instead of a copy of this process."""
    started: list[subprocess.Popen[bytes]] = []

    def fork() -> int:
        started.append(subprocess.Popen(["sleep", "60"]))
        return started[-1].pid

    monkeypatch.setattr(os, "fork", fork)
    monkeypatch.setattr(zygote, "thread_count", lambda: 1)
    return started


@pytest.fixture
def order(tmp_path: Path, forked: list[subprocess.Popen[bytes]]) -> Iterator[Order]:
    """Sends one order to a zygote that serves in a thread of this process."""
    ours, theirs = socket.socketpair()
    thread = threading.Thread(target=zygote.Zygote(theirs, tmp_path).serve)
    thread.start()

    def send(body: dict[str, Any], *descriptors: int) -> dict[str, Any]:
        socket.send_fds(ours, [json.dumps(body).encode()], descriptors)
        reply: dict[str, Any] = json.loads(ours.recv(4096))
        return reply

    yield send
    ours.close()
    thread.join()
    theirs.close()
    for process in forked:
        process.returncode = -9  # the zygote has waited for it
        with pytest.raises(ProcessLookupError):
            os.kill(process.pid, 0)


def fork(order: Order) -> int:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        pid = order({"fork": {"memory_mb": 10, "cpu_seconds": 1}}, theirs.fileno())["pid"]
    assert isinstance(pid, int)
    return pid


def test_a_child_is_ended_on_order_with_its_folder(order: Order, tmp_path: Path) -> None:
    pid = fork(order)
    assert len(list(tmp_path.iterdir())) == 1
    assert order({"finish": pid, "patience": 0.01}) == {"exit_code": None}
    end = time.monotonic() + 5
    while list(tmp_path.iterdir()):  # in between its orders
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_child_that_ended_by_itself_says_how(order: Order) -> None:
    pid = fork(order)
    os.kill(pid, 11)
    assert order({"finish": pid, "patience": 5}) == {"exit_code": -11}


def test_children_go_with_the_host(order: Order) -> None:
    fork(order)
    fork(order)  # the fixture hangs up, and looks that they are gone


def test_what_a_child_leaves_behind_is_ended_as_well(
    order: Order, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stray = subprocess.Popen(["sleep", "60"])
    found = [{stray.pid}, set[int]()]
    monkeypatch.setattr(zygote, "children_of_this_process", lambda: found.pop(0))
    order({"finish": fork(order), "patience": 0})
    stray.returncode = -9
    with pytest.raises(ProcessLookupError):
        os.kill(stray.pid, 0)


def test_own_children_are_known() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        assert process.pid in zygote.children_of_this_process() or sys.platform != "linux"
        zygote.kill_group(process.pid)
    zygote.kill_group(process.pid)


def test_a_child_that_writes_too_much_is_ended(order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(zygote.quota, "is_over", lambda *_: over.is_set())
    pid = fork(order)
    time.sleep(2 * zygote.WATCH_MS / 1000)
    os.kill(pid, 0)
    over.set()
    time.sleep(2 * zygote.WATCH_MS / 1000)
    assert order({"finish": pid, "patience": 5}) == {"exit_code": -25}


class FakeSupervisor:
    """Reads a byte from its "listener" for each call that it answers."""

    def __init__(self, listener: int, folder: Path) -> None:
        self.listener, self.folder = listener, folder
        self.answered = 0
        self.closed = threading.Event()
        self.once = threading.Event()

    def fileno(self) -> int:
        return self.listener

    def serve_one(self) -> None:
        os.read(self.listener, 1)
        self.answered += 1
        self.once.set()

    def close(self) -> None:
        os.close(self.listener)
        self.closed.set()


def test_a_zygote_without_landlock_supervises_its_children(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, forked: list[subprocess.Popen[bytes]]
) -> None:
    made: list[FakeSupervisor] = []
    started = threading.Event()

    def supervisor(listener: int, folder: Path) -> FakeSupervisor:
        made.append(FakeSupervisor(listener, folder))
        started.set()
        return made[-1]

    monkeypatch.setattr(zygote, "Supervisor", supervisor)
    monkeypatch.setattr(zygote.landlock, "abi", lambda: -1)
    monkeypatch.setattr(sys, "platform", "linux")
    ours, theirs = socket.socketpair()
    serving = zygote.Zygote(theirs, tmp_path)
    way, end = socket.socketpair()
    pairs = [(way, end.dup())]
    with monkeypatch.context() as patch:
        patch.setattr(zygote.socket, "socketpair", lambda: pairs.pop())
        connection = os.dup(end.fileno())
        pid = serving._fork({"memory_mb": 10, "cpu_seconds": 1}, connection)
    thread = threading.Thread(target=serving.serve)
    thread.start()
    listener, calls = os.pipe()
    zygote.handing(end)(listener)
    assert started.wait(10)
    os.write(calls, b"!")
    assert made[0].once.wait(10)
    os.close(calls)  # the child has ended
    assert made[0].closed.wait(10)
    assert made[0].folder.parent == tmp_path
    ours.close()
    thread.join()
    theirs.close()
    assert pid == forked[0].pid
    forked[0].returncode = -9


def test_a_child_lets_go_of_what_is_its_siblings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    control, listener, other = (socket.socket() for _ in range(3))
    serving = zygote.Zygote(control, tmp_path)
    serving._children[1] = zygote.Live(tmp_path, other)
    supervisor = FakeSupervisor(os.open(os.devnull, os.O_RDONLY), tmp_path)
    serving._supervisors[1] = supervisor  # type: ignore[assignment]
    serving._let_go(listener)
    assert (control.fileno(), listener.fileno(), other.fileno()) == (-1, -1, -1)
    assert supervisor.closed.is_set()


# ---------------------------------------------------------------- a child


class Ended(BaseException):
    """Instead of the end of this process."""


@pytest.fixture
def child_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[Any], Channel]]:
    """Runs `child` in a thread of this process, without its locks; returns the host's channel to it."""
    ours, theirs = socket.socketpair()
    path, statuses = list(sys.path), []

    def leave(status: int) -> None:
        statuses.append(status)
        raise Ended

    def life() -> None:
        with contextlib.suppress(Ended):
            zygote.child(theirs, Limits(10, 1.0, tmp_path), zygote=1)

    monkeypatch.setattr(os, "_exit", leave)
    monkeypatch.setattr(zygote, "settle", lambda *_: None)
    thread = threading.Thread(target=life)

    def start(lock: Any) -> Channel:
        monkeypatch.setattr(zygote, "lock_child", lock)
        thread.start()
        return Channel(ours)

    yield start
    ours.close()
    thread.join()
    theirs.close()
    sys.path[:] = path
    sys.modules.pop("model", None)
    assert statuses


def test_a_child_says_its_boundary_and_does_one_job(child_here: Any, cnn: Program, signature: Signature) -> None:
    channel = child_here(lambda *_, **__: "walls")
    assert channel.receive().body == {"boundary": "walls"}
    job = Job("inspect", cnn, {"signature": signature.model_dump(mode="json")})
    assert hold(channel, request(job)).body["outputs"][0]["shape"] == [3, 10]


def test_a_child_tells_what_failed(child_here: Any, signature: Signature) -> None:
    channel = child_here(lambda *_, **__: "walls")
    channel.receive()
    with pytest.raises(CandidateError, match="ZeroDivisionError"):
        hold(
            channel,
            request(Job("inspect", Program("1 / 0", {}, 0), {"signature": signature.model_dump(mode="json")})),
        )


def test_a_child_that_cannot_lock_itself_does_nothing(child_here: Any) -> None:
    def lock(*_: object, **__: object) -> str:
        raise WorkerError("no walls", "setup")

    assert child_here(lock).receive().body["failed"] == {"kind": "setup", "message": "no walls"}


def test_a_child_whose_host_hung_up_ends(child_here: Any) -> None:
    channel = child_here(lambda *_, **__: "walls")
    channel.receive()
    channel.close()


@pytest.mark.parametrize(
    ("said", "words"),
    [({"failed": {"kind": "setup", "message": "no walls"}}, "no walls"), (None, "died while it was set up")],
)
def test_the_host_takes_a_failed_set_up_for_what_it_is(said: dict[str, Any] | None, words: str) -> None:
    ours, theirs = socket.socketpair()
    if said is not None:
        Channel(theirs).send(Message(said))
    theirs.close()
    with ours, pytest.raises(WorkerError, match=words) as caught:
        Child(None, 1, ours).boundary()  # type: ignore[arg-type]
    assert caught.value.cause == "setup"


def test_settling_in_gives_a_child_its_own_place(tmp_path: Path) -> None:
    script = (
        "import os, sys, tempfile\n"
        "from pathlib import Path\n"
        "from neuromosaic.core.sandbox.zygote import settle\n"
        "before = tempfile.gettempdir()\n"
        "out = os.dup(1)\n"
        "settle(Path(sys.argv[1]), os.getppid())\n"
        "print('noise')\n"
        "facts = [os.getcwd(), tempfile.gettempdir(), os.environ['HOME'], os.getpgrp() == os.getpid()]\n"
        "os.write(out, repr(facts).encode())\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout == repr([str(tmp_path)] * 3 + [True])
    assert str(tmp_path) != tempfile.gettempdir()


# ---------------------------------------------------------------- the whole life


def test_a_zygote_is_warm_before_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    steps: list[str] = []
    for name in ("die_with_parent", "adopt_orphans", "warm"):
        monkeypatch.setattr(zygote, name, lambda *_, name=name: steps.append(name))
    monkeypatch.setattr(zygote, "thread_count", lambda: 1)
    ours, theirs = socket.socketpair()
    thread = threading.Thread(target=zygote.main, args=(str(theirs.detach()), "1"))
    thread.start()
    ready = json.loads(ours.recv(100))
    assert ready["ready"] == os.getpid()
    assert ready["memory_mb"] == pytest.approx(zygote.memory_mb(), rel=0.2)
    assert steps == ["die_with_parent", "adopt_orphans", "warm"]
    ours.close()
    thread.join()


def test_a_zygote_with_threads_refuses_to_fork(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(zygote, "thread_count", lambda: 2)
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(SystemExit, match="one thread, not 2"):
        zygote.Zygote(theirs, tmp_path)._fork({}, 0)


def test_a_zygote_that_bubblewrap_is_not_around_does_not_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("die_with_parent", "adopt_orphans", "warm"):
        monkeypatch.setattr(zygote, name, lambda *_: None)
    ours, theirs = socket.socketpair()
    with ours, pytest.raises(SystemExit, match="namespace of the host"):
        zygote.main(str(theirs.detach()), "1", "bubblewrap", json.dumps(bubblewrap.namespaces()))


def test_patience_has_an_end() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        began = time.monotonic()
        assert zygote._wait(process.pid, 0.05) is None
        assert time.monotonic() - began < 1
        process.kill()
