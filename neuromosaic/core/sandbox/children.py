"""The host's side of the zygote and of the children that it forks."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Sequence
from typing import Any, Final, Protocol, Self

from neuromosaic.core.errors import WorkerError
from neuromosaic.core.protocols import Converse, Message
from neuromosaic.core.workers import bubblewrap
from neuromosaic.core.workers.conversation import WorkerGone, WorkerLate, failure, hold
from neuromosaic.core.workers.privileges import weaker_user
from neuromosaic.core.workers.process import WorkerProcess, death
from neuromosaic.core.workers.walls import Around
from neuromosaic.core.workers.wire import Channel

ORDER_SECONDS: Final = 30.0
CHILDREN_PER_ZYGOTE: Final = 2000
MOST_GROWTH_MB: Final = 100.0
MAX_REPLY_RAW: Final = 4 * 2**30
DYING_SECONDS: Final = 1.0


class WarmProcess:
    """A zygote that is ready to fork; raises WorkerError "setup" where it is not ready in `patience` seconds.

    `around`: what is to stand around it, as far as `why_not` of bubblewrap allows; `libraries`: installed modules
    that it imports beforehand. `memory_mb`: what it takes itself.
    """

    def __init__(self, patience: float, around: Around = "nothing", libraries: Sequence[str] = ()) -> None:
        self._process = WorkerProcess(
            "neuromosaic.core.sandbox.zygote", around, json.dumps(bubblewrap.namespaces()), ",".join(libraries),
            inside=around == "bubblewrap", user=None if around == "none" else weaker_user(),
        )  # fmt: skip
        self._lock = threading.Lock()
        self._forked = self._active = 0
        try:
            self.memory_mb = self._fresh_mb = float(self._hear(patience)["memory_mb"])
        except (OSError, ValueError, KeyError):
            words = self._process.last_words() or f"not ready after {patience:.0f} s"
            self._process.kill()
            raise WorkerError(f"the sandbox's warm process could not be started: {words}", "setup") from None

    @property
    def usable(self) -> bool:
        """Whether it lives, and has not come to the age or size at which it is replaced (without children)."""
        old = self._forked >= CHILDREN_PER_ZYGOTE or self.memory_mb > self._fresh_mb + MOST_GROWTH_MB
        return self._process.alive and (self._active > 0 or not old)

    def fork(self, memory_mb: int, cpu_seconds: float) -> "Child":
        """A locked child; raises OSError or ValueError where the zygote does not do as it is told."""
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                limits = {"memory_mb": memory_mb, "cpu_seconds": cpu_seconds}
                reply = self._order({"fork": limits}, theirs.fileno())
        except (OSError, ValueError):
            ours.close()
            raise
        with self._lock:
            self._forked += 1
            self._active += 1
            self.memory_mb = float(reply["memory_mb"])
        return Child(self, int(reply["pid"]), ours)

    def finish(self, pid: int, patience: float) -> int | None:
        """Ends a child with all that it started; its exit code (negative: a signal) if it had ended by itself."""
        with self._lock:
            self._active -= 1
        with contextlib.suppress(OSError, ValueError):
            code = self._order({"finish": pid, "patience": patience})["exit_code"]
            return None if code is None else int(code)
        return None  # the zygote is gone, and the child with it

    def kill(self) -> None:
        self._process.kill()

    def _order(self, order: dict[str, Any], *descriptors: int) -> dict[str, Any]:
        with self._lock:
            socket.send_fds(self._process.socket, [json.dumps(order).encode()], descriptors)
            return self._hear(ORDER_SECONDS)

    def _hear(self, patience: float) -> dict[str, Any]:
        self._process.socket.settimeout(patience)
        reply = json.loads(self._process.socket.recv(4096))
        if not isinstance(reply, dict):
            raise ValueError("the sandbox's warm process said something that is no reply")
        return reply


class Parent(Protocol):
    """What starts children, and ends them."""

    memory_mb: float

    @property
    def usable(self) -> bool: ...

    def fork(self, memory_mb: int, cpu_seconds: float) -> "Child": ...

    def finish(self, pid: int, patience: float) -> int | None: ...

    def kill(self) -> None: ...


class Child:
    """One locked child and the only conversation that it gets. Leaving its `with` block ends it."""

    def __init__(self, parent: Parent, pid: int, connection: socket.socket) -> None:
        self._parent, self.pid = parent, pid
        self._channel = Channel(connection, MAX_REPLY_RAW)
        self._finished = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._finish(0)

    def boundary(self) -> str:
        """The walls that it has found up around itself; raises WorkerError "setup" where it could not be locked."""
        self._channel.deadline = time.monotonic() + ORDER_SECONDS
        try:
            body = self._channel.receive().body
        except (EOFError, OSError, ValueError):
            raise WorkerError("a sandboxed process died while it was set up", "setup") from None
        if "failed" in body:
            raise failure(body["failed"])
        return str(body["boundary"])

    def hold(self, request: Message, converse: Converse | None, timeout: float) -> Message:
        """The result of the request; raises WorkerError where it dies or is not done after `timeout` seconds."""
        self._channel.deadline = time.monotonic() + timeout
        try:
            return hold(self._channel, request, converse)
        except WorkerLate:
            raise WorkerError(f"not done after {timeout:g} s: stopped", "timeout") from None
        except WorkerGone as gone:
            raise death(self._finish(DYING_SECONDS), gone) from None

    def _finish(self, patience: float) -> int | None:
        if self._finished:
            return None
        self._finished = True
        self._channel.close()
        return self._parent.finish(self.pid, patience)
