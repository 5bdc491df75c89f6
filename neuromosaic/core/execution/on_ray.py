"""Trials on Ray: on this machine, or on a cluster at an address. Needs the extra `ray`."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import Any

from neuromosaic.core.errors import ExecutorError
from neuromosaic.core.execution.catalogue import missing
from neuromosaic.core.execution.failure import Failure, attempted
from neuromosaic.core.execution.processes import packed
from neuromosaic.core.execution.stream import Finished, overdue, streamed


class RayExecutor:
    """`max_workers` tasks of Ray at a time, each on one CPU.

    `address`: of a cluster; None: Ray is started here, and stopped by `shutdown`. A task that takes longer than
    `trial_timeout` seconds is cancelled by force. Raises ExecutorError where Ray is not installed or not reachable.
    """

    name = "ray"

    def __init__(self, max_workers: int = 2, trial_timeout: float | None = None, address: str | None = None) -> None:
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        try:
            ray: Any = import_module("ray")
        except ImportError:
            raise missing("Ray", "ray") from None
        self._ray, self.max_workers, self._timeout = ray, max_workers, trial_timeout
        self._flying: dict[Any, tuple[Any, float]] = {}
        self._is_ours = not ray.is_initialized()
        if self._is_ours:
            self._start(address)

    def _start(self, address: str | None) -> None:
        here: dict[str, Any] = {"num_cpus": self.max_workers, "include_dashboard": False}
        settings = {"address": address} if address else here
        try:
            self._ray.init(**settings, log_to_driver=False, logging_level="ERROR", configure_logging=False)
        except Exception as error:  # what Ray raises depends on what is in its way
            raise ExecutorError(f"Ray at {address or 'this machine'} is not reachable: {error}") from error

    def execute_trials(
        self, trial_fn: Callable[[Any], Any], configs: Iterable[Any]
    ) -> Iterator[tuple[Any, Any | Failure]]:
        packed("the trial's function", trial_fn)
        task = self._ray.remote(num_cpus=1, max_retries=0)(attempted)
        function = self._ray.put(trial_fn)

        def submit(config: Any) -> None:
            self._flying[task.remote(function, config)] = (config, time.monotonic())

        return streamed(configs, self.max_workers, submit, self._collect)

    def _collect(self) -> Finished:
        ready, _ = self._ray.wait(list(self._flying), num_returns=1, timeout=self._patience())
        if ready:
            return self._flying.pop(ready[0])[0], self._answer(ready[0])
        late = min(self._flying, key=lambda task: self._flying[task][1])
        self._ray.cancel(late, force=True)
        return self._flying.pop(late)[0], overdue(self._timeout or 0.0)

    def _answer(self, task: Any) -> Any:
        try:
            return self._ray.get(task)
        except Exception as error:  # noqa: BLE001  a worker that died, a node that is gone
            return Failure("crash", f"{type(error).__name__}: {str(error).splitlines()[0]}")

    def _patience(self) -> float | None:
        if self._timeout is None:
            return None
        return max(0.0, min(begun for _, begun in self._flying.values()) + self._timeout - time.monotonic())

    def shutdown(self) -> None:
        """Cancels what is under way; stops Ray where it was started here."""
        for task in self._flying:
            self._ray.cancel(task, force=True)
        self._flying.clear()
        if self._is_ours:
            self._ray.shutdown()
