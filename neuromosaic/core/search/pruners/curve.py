"""Stopping a trial whose learning curve will not reach the best one."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.pruners.measure import Measure

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATES = (0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0)
"""Exponents of the power law: from curves that go on rising for long to those that are soon flat."""
NOISE = 1e-3
"""Least standard deviation of a value, as a share of the range seen: no curve is known better than that."""


class LearningCurvePruner:
    """Stops a trial that will, with a chance of at least 1 - `chance`, not beat the best completed one.

    Its values so far are continued to the last step as a - b * step**-c, by least squares for each of a few c,
    weighted by how well they fit (after Domhan et al., 2015, IJCAI: one family of curves instead of eleven, and
    exact integration in place of sampling). `max_steps`: the last step; None: the farthest that a completed trial
    has come. Not before `n_startup_trials` are complete, nor before `n_warmup_steps` values.
    """

    def __init__(
        self,
        objectives: Objectives,
        *,
        max_steps: int | None = None,
        chance: Annotated[float, Field(gt=0, lt=1)] = 0.05,
        n_startup_trials: int = 3,
        n_warmup_steps: Annotated[int, Field(ge=4)] = 5,
    ) -> None:
        self._value = Measure(objectives)
        self._last, self._chance = max_steps, chance
        self._startup, self._warmup = n_startup_trials, n_warmup_steps
        self._told: dict[str, dict[int, float]] = {}
        self._best, self._farthest, self._complete = -math.inf, 0, 0

    def should_stop(
        self,
        trial_id: str,
        step: int,
        metrics: Mapping[str, float],
        history: Mapping[str, Sequence[Mapping[str, float]]],
    ) -> bool:
        told = self._told.setdefault(trial_id, {})
        value = self._value(metrics)
        if math.isfinite(value):
            told[step] = value
        last = self._last or self._farthest
        if self._complete < max(1, self._startup) or len(told) < self._warmup or step >= last:
            return False
        return chance_above(told, last, self._best) < self._chance

    def finished(self, trial_id: str, completed: bool) -> None:
        told = self._told.pop(trial_id, {})
        if completed and told:
            self._complete += 1
            self._best = max(self._best, *told.values())
            self._farthest = max(self._farthest, *told)


def chance_above(curve: Mapping[int, float], last: int, goal: float) -> float:
    """The chance that a curve of step -> value ends above `goal` at step `last`; at least four values."""
    import numpy as np

    steps = np.array(sorted(curve), dtype=np.float64)
    values = np.array([curve[int(step)] for step in steps])
    if values.max() > goal:
        return 1.0
    floor = NOISE * max(float(np.ptp(values)), abs(goal - float(values[-1])), 1e-12)
    fits = [_continued(steps - steps[0] + 1, values, last - steps[0] + 1, rate, floor) for rate in RATES]
    best = max(likelihood for likelihood, _, _ in fits)
    weights = [math.exp(likelihood - best) for likelihood, _, _ in fits]
    chances = [0.5 * math.erfc((goal - mean) / (spread * math.sqrt(2))) for _, mean, spread in fits]
    return sum(w * c for w, c in zip(weights, chances, strict=True)) / sum(weights)


def _continued(
    steps: "NDArray[Any]", values: "NDArray[Any]", last: float, rate: float, floor: float
) -> tuple[float, float, float]:
    """Log likelihood of the fit, and mean and standard deviation of the value at `last`."""
    import numpy as np

    design = np.stack([np.ones_like(steps), -(steps**-rate)], axis=1)
    normal = np.linalg.pinv(design.T @ design)
    weights = normal @ design.T @ values
    freedom = max(1, len(steps) - 3)
    noise = max(float(((values - design @ weights) ** 2).sum()) / freedom, floor**2)
    at = np.array([1.0, -(last**-rate)])
    spread = math.sqrt(noise * (1.0 + float(at @ normal @ at)))
    return -0.5 * len(steps) * math.log(noise), float(at @ weights), spread
