"""The warm process that forks one locked child per job, and the child's first steps.

The zygote has one thread, never runs anything proposed, and does three things on request of the host: fork a child
that speaks over a socket of its own, end a child with all that it started, and tell how the child ended.
"""

import contextlib
import gc
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final, NoReturn

from neuromosaic.core.errors import WorkerError
from neuromosaic.core.protocols import Converse, Message
from neuromosaic.core.sandbox.work import perform
from neuromosaic.core.workers.conversation import HostGone, answer, describe_failure
from neuromosaic.core.workers.limits import Limits, adopt_orphans, die_with_parent, lock, silence
from neuromosaic.core.workers.requests import requested
from neuromosaic.core.workers.wire import Channel

MAX_ORDER: Final = 4096
MAX_REQUEST_RAW: Final = 16 * 2**30
SWEEP_SECONDS: Final = 2.0


def main(fd: str, parent: str, walls: str = "walls") -> None:
    """Warms up, says so, and serves until the host hangs up; its children have resource limits alone for "none"."""
    die_with_parent(int(parent))
    adopt_orphans()
    with socket.socket(fileno=int(fd)) as control, contextlib.suppress(ConnectionError):
        warm()
        if (threads := thread_count()) > 1:
            sys.exit(f"a zygote must have one thread, not {threads}: a fork would lose the others")
        control.sendall(json.dumps({"ready": os.getpid()}).encode())
        Zygote(control, Path.cwd(), walls=walls != "none").serve()


def warm() -> None:
    """Imports and runs once what every child needs, so that each child finds it done."""
    import torch
    from torch import nn

    torch.set_num_threads(1)  # before any operation: a second thread's pool would not survive the fork
    torch.set_num_interop_threads(1)
    import pytest  # noqa: F401

    from neuromosaic.core.graph import export, rebuild  # noqa: F401
    from neuromosaic.core.workers import jobs, suite  # noqa: F401

    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Dropout(0.1), nn.Linear(8, 2))
    x = torch.zeros(2, 1, 4, 4)
    optimizer = torch.optim.AdamW(net.parameters(), fused=True)
    net(x).sum().backward()
    optimizer.step()
    export.export_module(net, (x,))
    gc.collect()
    gc.freeze()  # a child's collector leaves these pages alone, so that they stay shared


def thread_count() -> int:
    with contextlib.suppress(OSError):
        return len(os.listdir("/proc/self/task"))
    return 1


class Zygote:
    """Serves the host's orders, one at a time; several children may be at work."""

    def __init__(self, control: socket.socket, folder: Path, *, walls: bool = True) -> None:
        self._walls = walls
        self._control = control
        self._folder = folder
        self._children: dict[int, Path] = {}

    def serve(self) -> None:
        """Until the host hangs up: then every child goes with it."""
        while True:
            data, descriptors, _, _ = socket.recv_fds(self._control, MAX_ORDER, 1)
            if not data:
                break
            self._control.sendall(json.dumps(self._obey(json.loads(data), descriptors)).encode())
        for pid in list(self._children):
            self._finish(pid, patience=0)

    def _obey(self, order: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        if "finish" in order:
            return {"exit_code": self._finish(order["finish"], order["patience"])}
        return {"pid": self._fork(order["fork"], descriptors[0])}

    def _fork(self, limits: dict[str, Any], descriptor: int) -> int:
        folder = Path(tempfile.mkdtemp(prefix="job-", dir=self._folder))
        zygote = os.getpid()
        with socket.socket(fileno=descriptor) as connection:
            pid = os.fork()
            if pid == 0:
                self._control.close()
                child(connection, Limits(**limits, folder=folder), zygote, walls=self._walls)
        with contextlib.suppress(OSError):  # the child does the same: whoever comes first
            os.setpgid(pid, pid)
        self._children[pid] = folder
        return pid

    def _finish(self, pid: int, patience: float) -> int | None:
        """Ends a child with all that it started; its exit code if it ended by itself within `patience` seconds."""
        folder = self._children.pop(pid)
        status = _wait(pid, patience)
        kill_group(pid)
        if status is None:
            os.waitpid(pid, 0)
        self._sweep()
        shutil.rmtree(folder, ignore_errors=True)
        return None if status is None else os.waitstatus_to_exitcode(status)

    def _sweep(self) -> None:
        """Ends what children left behind in process groups of their own: it has become ours (`adopt_orphans`)."""
        end = time.monotonic() + SWEEP_SECONDS
        while (strays := children_of_this_process() - self._children.keys()) and time.monotonic() < end:
            for pid in strays:
                kill_group(pid)
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, 0)


def child(connection: socket.socket, limits: Limits, zygote: int, *, walls: bool = True) -> NoReturn:
    """A forked child's whole life: lock, say what holds, do one job."""
    status = 1
    try:
        settle(limits.folder, zygote)
        channel = Channel(connection, MAX_REQUEST_RAW)
        try:
            boundary = lock(limits, walls=walls)
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
