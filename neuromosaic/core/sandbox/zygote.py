"""The warm process that forks one locked child per job, and the child's first steps.

The zygote has one thread, never runs anything proposed, and does three things on request of the host: fork a child
that speaks over a socket of its own, end a child with all that it started, and tell how the child ended. Where the
kernel has no Landlock, it opens its children's files as well.
"""

import contextlib
import itertools
import json
import os
import select
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

from neuromosaic.core.errors import WorkerError
from neuromosaic.core.protocols import Converse, Message
from neuromosaic.core.sandbox import quota
from neuromosaic.core.sandbox.supervision import Supervisor
from neuromosaic.core.sandbox.warming import memory_mb, thread_count, warm
from neuromosaic.core.sandbox.work import perform
from neuromosaic.core.workers import bubblewrap, landlock
from neuromosaic.core.workers.clearing import clear
from neuromosaic.core.workers.conversation import HostGone, answer, describe_failure
from neuromosaic.core.workers.limits import Limits, silence
from neuromosaic.core.workers.privileges import adopt_orphans, die_with_parent
from neuromosaic.core.workers.requests import requested
from neuromosaic.core.workers.walls import Around, Supervise, lock_child
from neuromosaic.core.workers.wire import Channel

MAX_ORDER: Final = 4096
MAX_REQUEST_RAW: Final = 16 * 2**30
SWEEP_SECONDS: Final = 2.0
TIDIED_AT_ONCE: Final = 100
WATCH_MS: Final = 250


def main(fd: str, parent: str, around: Around = "nothing", namespaces: str = "{}", libraries: str = "") -> None:
    """Warms up, with the `libraries` (modules, joined by commas), says so, and serves until the host hangs up.

    `namespaces`: those of the host, as JSON; bubblewrap is believed to be around only where ours are others.
    """
    die_with_parent(int(parent))
    adopt_orphans()
    with socket.socket(fileno=int(fd)) as control, contextlib.suppress(ConnectionError):
        if around == "bubblewrap" and not bubblewrap.is_around(json.loads(namespaces)):
            sys.exit("bubblewrap has left this process in a namespace of the host")
        warm([name for name in libraries.split(",") if name])
        control.sendall(json.dumps({"ready": os.getpid(), "memory_mb": memory_mb()}).encode())
        Zygote(control, Path.cwd(), around).serve()


class Live(NamedTuple):
    """A child at work: its folder, and the socket on which it hands over its listener (None: not supervised)."""

    folder: Path
    listener: socket.socket | None


class Zygote:
    """Serves the host's orders, one at a time; several children may be at work."""

    def __init__(self, control: socket.socket, folder: Path, around: Around = "nothing") -> None:
        self._control = control
        self._folder = folder
        self._around = around
        self._children: dict[int, Live] = {}
        self._supervisors: dict[int, Supervisor] = {}
        self._rubbish: list[Generator[None, None, None]] = []  # what ended children have left may take seconds
        self._hoarders: set[int] = set()
        self._watch_again = 0.0
        self._supervised = around != "none" and sys.platform == "linux" and landlock.abi() < landlock.OLDEST

    def serve(self) -> None:
        """Until the host hangs up: then every child goes with it."""
        while self._serve_one():
            pass
        for pid in list(self._children):
            self._finish(pid, patience=0)

    def _serve_one(self) -> bool:
        """Does what was asked first; False where the host has hung up."""
        self._stop_hoarders()
        for descriptor, event in self._wait_for_work():
            if descriptor == self._control.fileno():
                data, descriptors, _, _ = socket.recv_fds(self._control, MAX_ORDER, 1)
                if not data:
                    return False
                self._control.sendall(json.dumps(self._obey(json.loads(data), descriptors)).encode())
                return True  # a child may be gone: what else was heard may be out of date
            self._supervise(descriptor, event)
        self._tidy()
        return True

    def _tidy(self) -> None:
        """Removes some of what ended children have left, between two looks at what is asked for."""
        if self._rubbish and len(list(itertools.islice(self._rubbish[0], TIDIED_AT_ONCE))) < TIDIED_AT_ONCE:
            del self._rubbish[0]

    def _wait_for_work(self) -> list[tuple[int, int]]:
        waiting = select.poll()
        waiting.register(self._control, select.POLLIN)
        for live in self._children.values():
            if live.listener is not None and live.listener.fileno() >= 0:
                waiting.register(live.listener, select.POLLIN)
        for supervisor in self._supervisors.values():
            waiting.register(supervisor, select.POLLIN)
        if self._rubbish:
            return waiting.poll(0)
        return waiting.poll(WATCH_MS if self._children else None)

    def _supervise(self, descriptor: int, event: int) -> None:
        """Takes over a child's listener, or answers one of its calls."""
        for pid, live in self._children.items():
            if live.listener is not None and live.listener.fileno() == descriptor:
                _, descriptors, _, _ = socket.recv_fds(live.listener, 1, 1)
                live.listener.close()
                if descriptors:
                    self._supervisors[pid] = Supervisor(descriptors[0], live.folder)
                return
        pid = next(pid for pid, supervisor in self._supervisors.items() if supervisor.fileno() == descriptor)
        if event & select.POLLIN:
            self._supervisors[pid].serve_one()
        else:
            self._supervisors.pop(pid).close()  # the child has ended

    def _stop_hoarders(self) -> None:
        """Ends children that have written too much; looked at no more often than WATCH_MS."""
        if time.monotonic() < self._watch_again:
            return
        self._watch_again = time.monotonic() + WATCH_MS / 1000
        for pid, live in self._children.items():
            if pid not in self._hoarders and quota.is_over(pid, live.folder):
                self._hoarders.add(pid)
                kill_group(pid)

    def _obey(self, order: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        if "finish" in order:
            return {"exit_code": self._finish(order["finish"], order["patience"])}
        return {"pid": self._fork(order["fork"], descriptors[0]), "memory_mb": memory_mb()}

    def _fork(self, limits: dict[str, Any], descriptor: int) -> int:
        if (threads := thread_count()) > 1:
            sys.exit(f"a zygote must have one thread, not {threads}: a fork would lose the others")
        folder = Path(tempfile.mkdtemp(prefix="job-", dir=self._folder))
        ours, theirs = socket.socketpair() if self._supervised else (None, None)
        zygote = os.getpid()
        with socket.socket(fileno=descriptor) as connection:
            pid = os.fork()
            if pid == 0:
                self._let_go(ours)
                supervise = handing(theirs) if theirs else None
                child(connection, Limits(**limits, folder=folder), zygote, self._around, supervise)
        if theirs is not None:
            theirs.close()
        with contextlib.suppress(OSError):  # the child does the same: whoever comes first
            os.setpgid(pid, pid)
        self._children[pid] = Live(folder, ours)
        return pid

    def _let_go(self, listener: socket.socket | None) -> None:
        """In the child: what is the zygote's, and its siblings', is closed."""
        self._control.close()
        for each in (listener, *(live.listener for live in self._children.values()), *self._supervisors.values()):
            if each is not None:
                each.close()
        for clearing in self._rubbish:
            clearing.close()

    def _finish(self, pid: int, patience: float) -> int | None:
        """Ends a child with all that it started; its exit code if it ended by itself within `patience` seconds."""
        live = self._children.pop(pid)
        status = _wait(pid, patience)
        kill_group(pid)
        if status is None:
            os.waitpid(pid, 0)
        self._sweep()
        for held in (live.listener, self._supervisors.pop(pid, None)):
            if held is not None:
                held.close()
        self._rubbish.append(clear(live.folder))
        if pid in self._hoarders:
            self._hoarders.remove(pid)
            return -signal.SIGXFSZ  # the kernel's own word for it
        return None if status is None else os.waitstatus_to_exitcode(status)

    def _sweep(self) -> None:
        """Ends what children left behind in process groups of their own: it has become ours (`adopt_orphans`)."""
        end = time.monotonic() + SWEEP_SECONDS
        while (strays := children_of_this_process() - self._children.keys()) and time.monotonic() < end:
            for pid in strays:
                kill_group(pid)
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, 0)


def handing(way: socket.socket) -> Supervise:
    """Hands a descriptor over to the zygote; nothing of it stays here."""

    def hand(listener: int) -> None:
        with way:
            socket.send_fds(way, [b"!"], [listener])
        os.close(listener)

    return hand


def child(
    connection: socket.socket,
    limits: Limits,
    zygote: int,
    around: Around = "nothing",
    supervise: Supervise | None = None,
) -> NoReturn:
    """A forked child's whole life: lock, say what holds, do one job."""
    status = 1
    try:
        settle(limits.folder, zygote)
        channel = Channel(connection, MAX_REQUEST_RAW)
        try:
            boundary = lock_child(limits, around, supervise)
        except WorkerError as error:
            channel.send(Message({"failed": describe_failure(error)}))
        else:
            channel.send(Message({"boundary": boundary}))
            serve_one(channel, limits.folder)
        status = 0
    except (EOFError, OSError, HostGone):
        pass  # the host has hung up: there is nobody to tell
    finally:
        os._exit(status)


def settle(folder: Path, zygote: int) -> None:
    """A process group, a working folder and an environment of its own."""
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)
    die_with_parent(zygote)
    silence()
    os.chdir(folder)
    os.environ.update(HOME=str(folder), TMPDIR=str(folder))
    tempfile.tempdir = None  # it remembers the zygote's


def serve_one(channel: Channel, folder: Path) -> None:
    """Answers the one request that a child gets."""

    def work(message: Message, converse: Converse) -> Message:
        return perform(requested(message, device="cpu"), folder, converse)

    answer(channel, work)


def kill_group(pid: int) -> None:
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


def children_of_this_process() -> set[int]:
    """Process ids; empty where the system does not tell."""
    with contextlib.suppress(OSError):
        return {int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}
    return set()


def _wait(pid: int, patience: float) -> int | None:
    """The status of a child that ends by itself within `patience` seconds."""
    end = time.monotonic() + patience
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return status
        if time.monotonic() >= end:
            return None
        time.sleep(0.002)
