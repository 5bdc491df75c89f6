"""A Gaussian process over the trials of a search: which are looked at, how they are scored."""

from collections.abc import Sequence

import numpy as np

from neuromosaic.core.search.acquisition import softened
from neuromosaic.core.search.coordinates import Array
from neuromosaic.core.search.gaussian_process import GaussianProcess, Posterior
from neuromosaic.core.search.kernel import Kernel
from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.strategies.memory import Metrics
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.space import SearchSpace

ACTIVE = 200  # trials that a process is fitted to, so that its time is bounded
OFTEN, SELDOM = 80, 10  # up to 80 trials hyperparameters are learnt anew for each suggestion, later every tenth


class Surrogate:
    """What is expected of points of `space`; kept by a strategy, as it remembers what it learnt.

    `similar`: whether values of choices are learnt to be alike (see `kernel`).
    """

    def __init__(self, space: SearchSpace, similar: bool = True) -> None:
        self._kernel = Kernel(space.parameters, similar)
        self._learnt: tuple[int, Array] | None = None

    def fit(
        self,
        points: Sequence[Point],
        metrics: Sequence[Metrics],
        objectives: Objectives,
        pending: Sequence[Point] = (),
    ) -> "Fitted":
        """Expectations after these trials, those in flight taken to come out as expected (Ginsbourger et al., 2010:
        "kriging believer"). Depends on the trials alone. Raises numpy.linalg.LinAlgError where it fails."""
        scores = objectives.scores(metrics)
        at = None
        if len(scores) > OFTEN:
            at = self._hyperparameters(points, metrics, objectives, len(scores) // SELDOM * SELDOM)
        process, targets = self._process(points, scores, at)
        if pending:
            process = process.believing(self._kernel.code(list(pending)))
        return Fitted(self._kernel, process, float(targets.max()), scores)

    def _hyperparameters(
        self, points: Sequence[Point], metrics: Sequence[Metrics], objectives: Objectives, count: int
    ) -> Array:
        """Those of the first `count` trials."""
        if self._learnt is None or self._learnt[0] != count:
            process, _ = self._process(points[:count], objectives.scores(metrics[:count]))
            self._learnt = (count, process.at)
        return self._learnt[1]

    def _process(
        self, points: Sequence[Point], scores: Array, at: Array | None = None
    ) -> tuple[GaussianProcess, Array]:
        kept = active(scores)
        targets = softened(scores[kept])
        return GaussianProcess(self._kernel, self._kernel.code([points[one] for one in kept]), targets, at), targets


class Fitted:
    """`best`: the highest target; `scores` [n]: of all trials."""

    def __init__(self, kernel: Kernel, process: GaussianProcess, best: float, scores: Array) -> None:
        self._kernel, self._process = kernel, process
        self.best, self.scores = best, scores

    def predict(self, points: Sequence[Point]) -> Posterior:
        """Mean and standard deviation of the targets, [n] each."""
        return self._process.predict(self._kernel.code(list(points)))


def active(scores: Array, most: int = ACTIVE) -> list[int]:
    """The numbers of the trials that a process is fitted to: all, or the best half and the latest of the others."""
    if len(scores) <= most:
        return list(range(len(scores)))
    order = np.argsort(-scores, kind="stable")
    return sorted([*order[: most // 2].tolist(), *np.sort(order[most // 2 :])[-(most - most // 2) :].tolist()])
