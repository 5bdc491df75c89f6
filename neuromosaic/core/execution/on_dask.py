"""Trials on Dask: on this machine, or on a cluster at an address. Needs the extra `dask`."""

import time
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import Any

from neuromosaic.core.errors import ExecutorError
from neuromosaic.core.execution.catalogue import missing
from neuromosaic.core.execution.failure import Failure, attempted
from neuromosaic.core.execution.processes import packed
from neuromosaic.core.execution.stream import Finished, overdue, streamed

REACHABLE = 10.0  # seconds within which a cluster must answer


class DaskExecutor:
    """`max_workers` tasks of Dask at a time, each in a process of one thread.

    `address`: of a scheduler; None: processes are started here, and stopped by `shutdown`. A task that takes longer
    than `trial_timeout` seconds is given up; Dask cannot stop it, so its worker stays busy until it ends. Raises
    ExecutorError where Dask is not installed or not reachable.
    """

    name = "dask"

    def __init__(self, max_workers: int = 2, trial_timeout: float | None = None, address: str | None = None) -> None:
        try:
            distributed: Any = import_module("distributed")
        except ImportError:
            raise missing("Dask", "dask") from None
        self._dask, self.max_workers, self._timeout = distributed, max_workers, trial_timeout
        self._flying: dict[Any, tuple[Any, float]] = {}
        self._cluster: Any = None
        try:
            self._client = self._connected(address)
        except Exception as error:  # what Dask raises depends on what is in its way
            raise ExecutorError(f"Dask at {address or 'this machine'} is not reachable: {error}") from error

    def _connected(self, address: str | None) -> Any:
        if address is None:
            self._cluster = self._dask.LocalCluster(
                n_workers=self.max_workers, threads_per_worker=1, processes=True, dashboard_address=None,
                host="127.0.0.1",
            )  # fmt: skip
        return self._dask.Client(address or self._cluster, timeout=REACHABLE)

    def execute_trials(
        self, trial_fn: Callable[[Any], Any], configs: Iterable[Any]
    ) -> Iterator[tuple[Any, Any | Failure]]:
        packed("the trial's function", trial_fn)

        def submit(config: Any) -> None:
            task = self._client.submit(attempted, trial_fn, config, pure=False, retries=0)
            self._flying[task] = (config, time.monotonic())

        return streamed(configs, self.max_workers, submit, self._collect)

    def _collect(self) -> Finished:
        try:
            done = self._dask.wait(list(self._flying), self._patience(), return_when="FIRST_COMPLETED").done
        except TimeoutError:
            late = min(self._flying, key=lambda task: self._flying[task][1])
            late.cancel()
            return self._flying.pop(late)[0], overdue(self._timeout or 0.0)
        task = next(iter(done))
        return self._flying.pop(task)[0], self._answer(task)

    def _answer(self, task: Any) -> Any:
        try:
            return task.result()
        except Exception as error:  # noqa: BLE001  a worker that died, a node that is gone
            return Failure("crash", f"{type(error).__name__}: {str(error).splitlines()[0]}")

    def _patience(self) -> float | None:
        if self._timeout is None:
            return None
        return max(0.001, min(begun for _, begun in self._flying.values()) + self._timeout - time.monotonic())

    def shutdown(self) -> None:
        """Cancels what is under way; stops the processes where they were started here."""
        self._client.cancel(list(self._flying))
        self._flying.clear()
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()
