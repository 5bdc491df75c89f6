"""A fresh interpreter for each job, where nothing can be forked and locked: macOS, Windows.

It has resource limits where the system has them, an environment without the host's variables, and nothing of what an
earlier job left. It is no wall: the label says so, and so does a warning once.
"""

import contextlib
import functools
import logging
import socket
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from neuromosaic.core.errors import WorkerError
from neuromosaic.core.protocols import Message
from neuromosaic.core.sandbox.children import Child
from neuromosaic.core.sandbox.warming import warm
from neuromosaic.core.sandbox.zygote import serve_one
from neuromosaic.core.workers.boundary import SPAWNED
from neuromosaic.core.workers.conversation import HostGone, describe_failure
from neuromosaic.core.workers.limits import Limits, limit_resources
from neuromosaic.core.workers.privileges import die_with_parent
from neuromosaic.core.workers.process import WorkerProcess
from neuromosaic.core.workers.wire import Channel

WARNING = (
    "this system can neither fork nor lock workers: each piece of proposed code runs in an interpreter of its own, "
    "with the rights of your account. Use Linux (a virtual machine or a container) for code that you do not trust"
)


class Spawner:
    """Starts an interpreter per job, and one ahead for the next."""

    memory_mb = 0.0

    def __init__(self) -> None:
        warn_once()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="spawn-ahead")
        self._ahead = self._pool.submit(_interpreter)
        self._at_work: dict[int, WorkerProcess] = {}
        self._ended = False

    @property
    def usable(self) -> bool:
        return not self._ended

    def fork(self, memory_mb: int, cpu_seconds: float) -> Child:
        """A fresh process that has been told its limits; raises WorkerError where none can be started."""
        taken, self._ahead = self._ahead, self._pool.submit(_interpreter)
        process = taken.result()
        self._at_work[process.pid] = process
        limits = {"memory_mb": memory_mb, "cpu_seconds": cpu_seconds}
        Channel(process.socket).send(Message(limits))
        return Child(self, process.pid, process.socket)

    def finish(self, pid: int, patience: float) -> int | None:
        """Ends it with its process group; its exit code if it had ended by itself."""
        process = self._at_work.pop(pid)
        code = process.exit_code(patience) if patience else None
        process.kill()
        return code

    def kill(self) -> None:
        self._ended = True
        self._ahead.add_done_callback(_end)
        for process in list(self._at_work.values()):
            process.kill()
        self._pool.shutdown(wait=True)


@functools.cache
def warn_once() -> None:
    logging.getLogger(__name__).warning(WARNING)


def _interpreter() -> WorkerProcess:
    return WorkerProcess("neuromosaic.core.sandbox.spawned")


def _end(started: "Future[WorkerProcess]") -> None:
    with contextlib.suppress(WorkerError):
        started.result().kill()


def main(fd: str, parent: str) -> None:
    """Warms up, limits itself as it is told, says so, and does one job."""
    die_with_parent(int(parent))
    with socket.socket(fileno=int(fd)) as connection, contextlib.suppress(EOFError, OSError, HostGone):
        warm()
        channel = Channel(connection)
        limits = Limits(**channel.receive().body, folder=Path.cwd())
        try:
            limit_resources(limits)
        except WorkerError as error:
            channel.send(Message({"failed": describe_failure(error)}))
            return
        channel.send(Message({"boundary": SPAWNED}))
        serve_one(channel, limits.folder)
