"""The sandbox on the host's side: a warm process, and as many locked children at once as there are workers."""

import threading
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple, TypeGuard

from neuromosaic.core.errors import WorkerError
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.protocols import Converse, Exported, Job, Message, Program, SuiteOutcome
from neuromosaic.core.sandbox.answers import exported
from neuromosaic.core.sandbox.children import Child, Parent, WarmProcess
from neuromosaic.core.sandbox.spawned import Spawner
from neuromosaic.core.signature import Signature
from neuromosaic.core.workers import bubblewrap
from neuromosaic.core.workers.boundary import Accepted, can_fork, require
from neuromosaic.core.workers.privileges import weaker_user
from neuromosaic.core.workers.requests import request
from neuromosaic.core.workers.walls import Around

START_SECONDS: Final = 120.0
CPU_GRACE: Final = 5.0  # the clock on the wall should end a job; the processor's stops one that runs on several cores
OUTCOMES: Final = ("passed", "failed", "skipped", "error")


class Condition(NamedTuple):
    """The boundary's level, milliseconds to fork and lock a child, MB of memory that are the warm process's own."""

    boundary: str
    fork_ms: float
    memory_mb: float


class ProcessSandbox:
    """Runs each job on proposed Python in a fresh, locked process of its own, `workers` of them at once.

    `memory_mb` (MB = 10^6 bytes): what a job may take on top of the warm process's own. Safe to use from several
    threads. The warm process starts with the first job. `boundary`: the least that is accepted; the strongest that
    this machine has is used, but for "none", which means resource limits alone. `libraries`: installed modules that
    most jobs import, and find imported.
    """

    def __init__(
        self, workers: int = 1, memory_mb: int = 4096, boundary: Accepted = "auto", libraries: Sequence[str] = ()
    ) -> None:
        self._free = threading.BoundedSemaphore(workers)
        self._memory_mb = memory_mb
        self._accepted = boundary
        self._libraries = tuple(libraries)
        self._lock = threading.Lock()
        self._warm: Parent | None = None
        self._closed = False

    @cached_property
    def boundary(self) -> str:
        """The walls that a child has found up around itself: one of `workers.boundary.LEVELS`.

        Raises WorkerError "setup" where they are less than what is accepted.
        """
        with self._fork(cpu_seconds=CPU_GRACE) as child:
            level = child.boundary()
        require(level, self._accepted)
        return level

    def export(self, program: Program, signature: Signature, timeout: float = 60.0) -> Exported:
        """The program's graph, in train and eval mode, or why there is none; and what only the Python shows.

        Raises CandidateError with the code "syntax", "import", "no-model", "constructor", "inputs", "forward-raised"
        or "train-raised", WorkerError for crash, time-out and want of memory.
        """
        arguments = {"signature": signature.model_dump(mode="json")}
        return exported(self.run(Job("export", program, arguments, timeout=timeout)))

    def test(self, suite: str, program: Program, timeout: float = 120.0) -> SuiteOutcome:
        """What the pytest module `suite` says of the program: `Model()` there means `Model(**values)`.

        Raises WorkerError for crash, time-out and want of memory.
        """
        return suite_outcome(self.run(Job("test", program, {"suite": suite}, timeout=timeout)))

    def run(self, job: Job, converse: Converse | None = None) -> Message:
        """The result of any job on a program, or of "test" on a graph (a suite is proposed Python too).

        Waits for a free worker; `job.timeout` counts from then on. Raises CandidateError, ExportError or WorkerError,
        and ValueError for other jobs on a graph, which are the judge's.
        """
        if isinstance(job.subject, Graph) and job.kind != "test":
            raise ValueError(f"the sandbox does not {job.kind} graphs: the judge does")
        asked, level = request(job), self.boundary
        with self._free, self._fork(job.timeout + CPU_GRACE) as child:
            if (found := child.boundary()) != level:
                raise WorkerError(f"a sandboxed process is locked by {found} alone, not by {level}", "setup")
            return child.hold(asked, converse, job.timeout)

    def condition(self, forks: int = 5) -> "Condition":
        """What the boundary costs here, the median over so many children."""
        level = self.boundary
        times = sorted(self._time_of_fork() for _ in range(forks))
        assert self._warm is not None
        return Condition(level, times[len(times) // 2], self._warm.memory_mb)

    def _time_of_fork(self) -> float:
        """Milliseconds from the order to a locked child's first word."""
        began = time.perf_counter()
        with self._fork(cpu_seconds=CPU_GRACE) as child:
            child.boundary()
            return 1000 * (time.perf_counter() - began)

    def close(self) -> None:
        """Ends the warm process and every child; the sandbox cannot be used any more."""
        with self._lock:
            self._closed = True
            if self._warm is not None:
                self._warm.kill()

    def _fork(self, cpu_seconds: float) -> Child:
        """A new child; where the warm process has died, of a new warm process."""
        try:
            return self._warm_process().fork(self._memory_mb, cpu_seconds)
        except (OSError, ValueError):
            pass
        try:
            return self._warm_process().fork(self._memory_mb, cpu_seconds)
        except (OSError, ValueError) as error:
            raise WorkerError(f"the sandbox cannot start a process: {error}", "setup") from None

    def _warm_process(self) -> Parent:
        with self._lock:
            if self._closed:
                raise WorkerError("the sandbox has been closed", "setup")
            if self._warm is None or not self._warm.usable:
                if self._warm is not None:
                    self._warm.kill()
                self._warm = self._start()
            return self._warm

    def _start(self) -> Parent:
        """A warm process within the strongest that this machine has, as far as it can be known before."""
        if not can_fork():
            return Spawner()
        if self._accepted == "none":
            return WarmProcess(START_SECONDS, "none", self._libraries)
        around: Around = "nothing" if bubblewrap.why_not(weaker_user()) else "bubblewrap"
        return WarmProcess(START_SECONDS, around, self._libraries)


def suite_outcome(reply: Message) -> SuiteOutcome:
    """The outcome that a worker tells of; raises WorkerError where what it says is none."""
    outcomes, messages = reply.body.get("outcomes"), reply.body.get("messages")
    if _all_in(outcomes, OUTCOMES.__contains__) and _all_in(messages, lambda text: isinstance(text, str)):
        return SuiteOutcome(outcomes, messages)
    raise WorkerError("the sandbox returned something that is no outcome of a suite")


def _all_in(table: Any, fits: Callable[[Any], bool]) -> TypeGuard[dict[str, Any]]:
    return isinstance(table, dict) and all(fits(value) for value in table.values())
