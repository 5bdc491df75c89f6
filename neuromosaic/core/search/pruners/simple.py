"""Rules that look at one trial alone."""

import math
from collections.abc import Mapping, Sequence

from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.pruners.measure import Measure


class ThresholdPruner:
    """Stops a trial whose value is below `lower`, above `upper`, or NaN, from step `n_warmup_steps` on.

    The bounds are on the objective as it is reported. The decisions are those of Optuna's pruner of this name.
    """

    def __init__(
        self, objectives: Objectives, *, lower: float = -math.inf, upper: float = math.inf, n_warmup_steps: int = 0
    ) -> None:
        self._objectives, self._warmup = objectives, n_warmup_steps
        self._lower, self._upper = lower, upper
        Measure(objectives)

    def should_stop(
        self,
        trial_id: str,
        step: int,
        metrics: Mapping[str, float],
        history: Mapping[str, Sequence[Mapping[str, float]]],
    ) -> bool:
        value = metrics.get(self._objectives.settle(metrics)[0].name, math.nan)
        return step >= self._warmup and not self._lower <= value <= self._upper


class PatiencePruner:
    """Stops a trial of which the last `patience` + 1 values have not come up to the best before them.

    `min_delta`: so much worse than it is still as good. The decisions are those of Optuna's pruner of this
    name around none.
    """

    def __init__(self, objectives: Objectives, *, patience: int = 5, min_delta: float = 0.0) -> None:
        self._value = Measure(objectives)
        self._patience, self._delta = patience, min_delta
        self._told: dict[str, dict[int, float]] = {}

    def should_stop(
        self,
        trial_id: str,
        step: int,
        metrics: Mapping[str, float],
        history: Mapping[str, Sequence[Mapping[str, float]]],
    ) -> bool:
        told = self._told.setdefault(trial_id, {})
        told[step] = self._value(metrics)
        if len(told) <= self._patience + 1:
            return False
        values = [told[at] for at in sorted(told)]
        return _best(values[: -self._patience - 1]) - self._delta > _best(values[-self._patience - 1 :])

    def finished(self, trial_id: str, completed: bool) -> None:
        self._told.pop(trial_id, None)


def _best(values: Sequence[float]) -> float:
    return max((value for value in values if not math.isnan(value)), default=math.nan)
