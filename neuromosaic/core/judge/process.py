"""The judge on the host's side: a few persistent workers, each replaced as soon as it fails."""

import itertools
import queue
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from neuromosaic.core.errors import CandidateError, WorkerError
from neuromosaic.core.evaluation.hardware import places
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.protocols import Converse, Job, Message
from neuromosaic.core.workers.conversation import WorkerGone, WorkerLate, failure, hold
from neuromosaic.core.workers.privileges import weaker_user
from neuromosaic.core.workers.process import WorkerProcess, death, submit
from neuromosaic.core.workers.requests import request
from neuromosaic.core.workers.wire import Channel

KINDS: Final = (
    "inspect", "behave", "learn", "proxies", "train", "train_stacked", "stacking_gain", "precision", "predict",
    "measure", "profile", "convert", "reopen", "race", "weigh",
)  # fmt: skip
START_SECONDS: Final = 120.0
MAX_REPLY_RAW: Final = 4 * 2**30


class ProcessJudge:
    """Runs jobs on graphs in `workers` processes of one thread each, on one `device` ("cpu", "cuda", "mps").

    Where the machine has several of them the workers are dealt out over all, in turn. `memory_mb` (MB = 10^6 bytes):
    what a worker may take on top of what it needs itself; not limited on an accelerator. Safe to use from several
    threads. Workers start when they are first needed.
    """

    def __init__(self, workers: int = 2, device: str = "cpu", memory_mb: int = 4096) -> None:
        self._memory_mb = memory_mb
        self._slots: queue.LifoQueue[_Slot] = queue.LifoQueue()  # the last one used is the warmest
        self._workers: set[_Worker] = set()
        self._lock = threading.Lock()
        self._closed = False
        for _, place in zip(range(workers), itertools.cycle(places(device)), strict=False):
            self._slots.put(_Slot(place))

    def run(self, job: Job, converse: Converse | None = None) -> Message:
        """The result of a job on a graph; waits for a free worker, `job.timeout` counts from then on.

        Raises CandidateError where the graph itself raised, WorkerError for crash, time-out and want of memory, and
        ValueError for what a judge does not do: programs and suites are the sandbox's.
        """
        if not isinstance(job.subject, Graph) or job.kind not in KINDS:
            raise ValueError(f"a judge does {', '.join(KINDS)} on a graph; proposed Python is the sandbox's")
        asked = request(job)
        with self._worker() as worker:
            return worker.hold(asked, converse, job.timeout)

    def warm_up(self) -> None:
        """Starts every worker that is not at work, all at once, and returns when they are ready.

        Raises WorkerError "setup" where one does not come up.
        """
        free = self._slots.qsize()
        with ThreadPoolExecutor(max(1, free)) as pool:
            for started in [submit(pool, self._start_one) for _ in range(free)]:
                started.result()

    def _start_one(self) -> None:
        with self._worker():
            pass

    def close(self) -> None:
        """Ends every worker; the judge cannot be used any more."""
        with self._lock:
            self._closed = True
            for worker in self._workers:
                worker.kill()

    @contextmanager
    def _worker(self) -> Iterator["_Worker"]:
        """A free worker; it goes back to its slot if it can be used again."""
        slot = self._slots.get()
        try:
            if slot.worker is None or not slot.worker.usable:
                slot.worker = self._new_worker(slot.place)
            yield slot.worker
        finally:
            if slot.worker is not None and not slot.worker.usable:
                self._discard(slot.worker)
            self._slots.put(slot)

    def _new_worker(self, place: str) -> "_Worker":
        if self._closed:
            raise WorkerError("the judge has been closed", "setup")
        worker = _Worker(place, self._memory_mb)
        with self._lock:
            self._workers.add(worker)
        if self._closed:  # in the meantime
            worker.kill()
        return worker

    def _discard(self, worker: "_Worker") -> None:
        worker.kill()
        with self._lock:
            self._workers.discard(worker)


@dataclass
class _Slot:
    """Where a worker is to run, and the one that does."""

    place: str
    worker: "_Worker | None" = None


class _Worker:
    """One worker process that is ready; raises WorkerError "setup" where it does not come up."""

    def __init__(self, device: str, memory_mb: int) -> None:
        self._process = WorkerProcess(
            "neuromosaic.core.judge.worker", device, str(memory_mb), user=weaker_user() if device == "cpu" else None
        )
        self._channel = Channel(self._process.socket, MAX_REPLY_RAW)
        self._idle = True
        try:
            self.boundary = self._hear_boundary()
        except BaseException:
            self.kill()
            raise

    @property
    def usable(self) -> bool:
        """Whether it lives and its last conversation came to an end."""
        return self._idle and self._process.alive

    def hold(self, asked: Message, converse: Converse | None, timeout: float) -> Message:
        """The result of one request; the worker is done with unless it says itself how that ended."""
        self._channel.deadline = time.monotonic() + timeout
        self._idle = False
        try:
            result = hold(self._channel, asked, converse)
        except WorkerLate:
            raise WorkerError(f"not done after {timeout:g} s: stopped", "timeout") from None
        except WorkerGone as gone:
            raise death(self._process.exit_code(), gone) from None
        except (CandidateError, WorkerError):
            self._idle = True
            raise
        self._idle = True
        return result

    def kill(self) -> None:
        self._process.kill()

    def _hear_boundary(self) -> str:
        self._channel.deadline = time.monotonic() + START_SECONDS
        try:
            body = self._channel.receive().body
        except (EOFError, OSError, ValueError):
            words = self._process.last_words() or f"not ready after {START_SECONDS:.0f} s"
            raise WorkerError(f"a judge's worker could not be started: {words}", "setup") from None
        if "failed" in body:
            raise failure(body["failed"])
        return str(body["boundary"])
