"""What trials report while they run, from whatever thread or process, and whether they are to stop."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from neuromosaic.core.execution.reports import EVERYWHERE, ReportServer
from neuromosaic.core.protocols import BaseExecutor
from neuromosaic.core.search.dispatch import Dispatch
from neuromosaic.core.search.evaluator import Report

HERE = ("sequential", "threads")
"""Executors whose trials run in this process."""


class Reports:
    """The way from a trial's `report` to the pruner. `far`: trials may run on other machines."""

    def __init__(self, dispatch: Dispatch, far: bool) -> None:
        self._dispatch, self._far = dispatch, far
        self.line: Callable[[int], Report] = self._direct

    @contextmanager
    def reaching(self, executor: BaseExecutor | None) -> Iterator[None]:
        """Inside, `line` reaches from where the executor's trials run; None: nothing is reported."""
        is_away = executor is not None and getattr(executor, "name", "") not in HERE
        server = ReportServer(self._reported, EVERYWHERE if self._far else "127.0.0.1") if is_away else None
        self.line = server.line if server else self._direct
        try:
            yield
        finally:
            if server:
                server.close()

    def _direct(self, trial: int) -> Report:
        return lambda step, metrics: self._reported(trial, step, metrics)

    def _reported(self, number: int, step: int, metrics: Mapping[str, float]) -> bool:
        dispatch = self._dispatch
        with dispatch.lock:
            trial = dispatch.trials.every[number]
            if trial.state != "running" or trial.stopped:
                return True
            stop = dispatch.trials.asks_to_stop(number, step, metrics)
            dispatch.write(number, "report", {"step": step, "metrics": dict(metrics), "stop": stop})
            return stop
