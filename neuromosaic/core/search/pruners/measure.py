"""The one number by which a pruner compares trials."""

import math
from collections.abc import Mapping

from neuromosaic.core.errors import SearchError
from neuromosaic.core.search.objectives import Objectives


class Measure:
    """A report's value of the one objective, to be large; NaN where it is missing.

    Raises SearchError where there are several objectives.
    """

    def __init__(self, objectives: Objectives) -> None:
        self._objectives = objectives
        self._check()

    def __call__(self, metrics: Mapping[str, float]) -> float:
        (aim, *_) = self._objectives.settle(metrics)
        value = metrics.get(aim.name, math.nan)
        return value if aim.direction == "max" else -value

    def _check(self) -> None:
        if len(self._objectives.aims) > 1:
            raise SearchError("pruner: this one compares by one objective; for several use 'multi_objective'")
