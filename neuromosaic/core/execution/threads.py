"""Trials in threads of this process: for evaluators that wait, or that release the interpreter."""

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from neuromosaic.core.execution.failure import Failure, attempted
from neuromosaic.core.execution.stream import Finished, overdue, streamed


class ThreadExecutor:
    """`max_workers` trials at a time.

    A thread cannot be killed: one that takes longer than `trial_timeout` seconds is given up, its slot is used
    again, and it ends with the process at the latest.
    """

    name = "threads"

    def __init__(self, max_workers: int = 2, trial_timeout: float | None = None) -> None:
        self.max_workers, self._timeout = max_workers, trial_timeout
        self._answers: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
        self._flying: dict[int, tuple[Any, float]] = {}
        self._tickets = 0

    def execute_trials(
        self, trial_fn: Callable[[Any], Any], configs: Iterable[Any]
    ) -> Iterator[tuple[Any, Any | Failure]]:
        return streamed(configs, self.max_workers, lambda config: self._submit(trial_fn, config), self._collect)

    def _submit(self, trial_fn: Callable[[Any], Any], config: Any) -> None:
        self._tickets += 1
        ticket = self._tickets
        self._flying[ticket] = (config, time.monotonic())
        work = threading.Thread(
            target=lambda: self._answers.put((ticket, attempted(trial_fn, config))),
            daemon=True,
            name=f"trial-{ticket}",
        )
        work.start()

    def _collect(self) -> Finished:
        while True:
            try:
                ticket, result = self._answers.get(timeout=self._patience())
            except queue.Empty:
                late = min(self._flying, key=lambda ticket: self._flying[ticket][1])
                return self._flying.pop(late)[0], overdue(self._timeout or 0.0)
            if ticket in self._flying:
                return self._flying.pop(ticket)[0], result

    def _patience(self) -> float | None:
        if self._timeout is None:
            return None
        first = min(begun for _, begun in self._flying.values())
        return max(0.0, first + self._timeout - time.monotonic())

    def shutdown(self) -> None:
        """Forgets what is under way."""
        self._flying.clear()
