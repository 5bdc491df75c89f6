"""Stopping what is worse than the middle of earlier trials."""

import math
import statistics
from collections.abc import Mapping, Sequence

from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.pruners.measure import Measure


class MedianRule:
    """Stops a trial whose best loss so far is above the median of earlier trials at the same step.

    (Golovin et al., 2017, Google Vizier, section 3.2.2.) Judges only after `grace` of a trial's steps, counted
    from 1, and once `least` earlier trials have come that far.
    """

    def __init__(self, grace: int = 3, least: int = 4) -> None:
        self._grace, self._least = grace, least

    def should_stop(
        self,
        trial_id: str,
        step: int,
        metrics: Mapping[str, float],
        history: Mapping[str, Sequence[Mapping[str, float]]],
    ) -> bool:
        if step < self._grace:
            return False
        rivals = [min(entry["loss"] for entry in curve[:step]) for curve in history.values() if len(curve) >= step]
        return len(rivals) >= self._least and metrics["loss"] > statistics.median(rivals)


class MedianPruner:
    """Stops a trial whose best value so far is worse than the median of the completed trials' values at this step.

    Not before `n_startup_trials` trials are complete, nor before step `n_warmup_steps`. A trial of which every value
    so far is NaN is stopped. The decisions are those of Optuna's pruner of this name.
    """

    def __init__(self, objectives: Objectives, *, n_startup_trials: int = 5, n_warmup_steps: int = 0) -> None:
        self._value = Measure(objectives)
        self._startup, self._warmup = n_startup_trials, n_warmup_steps
        self._best: dict[str, float] = {}
        self._told: dict[str, dict[int, float]] = {}
        self._columns: dict[int, list[float]] = {}
        self._complete = 0

    def should_stop(
        self,
        trial_id: str,
        step: int,
        metrics: Mapping[str, float],
        history: Mapping[str, Sequence[Mapping[str, float]]],
    ) -> bool:
        value = self._value(metrics)
        self._told.setdefault(trial_id, {})[step] = value
        best = self._best[trial_id] = _better(self._best.get(trial_id, math.nan), value)
        if self._complete < max(1, self._startup) or step < self._warmup:
            return False
        if math.isnan(best):
            return True
        rivals = self._columns.get(step, ())
        return bool(rivals) and best < statistics.median(rivals)

    def finished(self, trial_id: str, completed: bool) -> None:
        """Only completed trials are compared with."""
        self._best.pop(trial_id, None)
        values = self._told.pop(trial_id, {})
        if not completed:
            return
        self._complete += 1
        for step, value in values.items():
            if not math.isnan(value):
                self._columns.setdefault(step, []).append(value)


def _better(one: float, other: float) -> float:
    if math.isnan(one):
        return other
    return one if math.isnan(other) else max(one, other)
