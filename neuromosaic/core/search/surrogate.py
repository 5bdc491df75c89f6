"""A Gaussian process over the trials of a search: which are looked at, how they are scored."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from neuromosaic.core.search.acquisition import scaled, softened
from neuromosaic.core.search.coordinates import Array
from neuromosaic.core.search.gaussian_process import GaussianProcess, Posterior
from neuromosaic.core.search.kernel import Kernel
from neuromosaic.core.search.levels import Levelled, levelled
from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.strategies.memory import Memory
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

    def fit(self, memory: Memory, objectives: Objectives) -> "Fitted":
        """Expectations after these trials, those in flight taken to come out as expected (Ginsbourger et al., 2010:
        "kriging believer"). Depends on the trials alone. Raises numpy.linalg.LinAlgError where it fails."""
        judged = judge(memory, objectives)
        at = None
        if len(judged.scores) > OFTEN:
            at = self._hyperparameters(memory, objectives, len(memory) // SELDOM * SELDOM)
        process = self._process(judged, at)
        best = process.highest
        if memory.pending:
            process = process.believing(self._kernel.code(list(memory.pending)))
        return Fitted(self._kernel, process, best, judged)

    def _hyperparameters(self, memory: Memory, objectives: Objectives, count: int) -> Array:
        """Those of the first `count` results."""
        if self._learnt is None or self._learnt[0] != count:
            self._learnt = (count, self._process(judge(memory.before(count), objectives)).at)
        return self._learnt[1]

    def _process(self, judged: "Judged", at: Array | None = None) -> GaussianProcess:
        kept = active(judged.scores)
        points = self._kernel.code([judged.points[one] for one in kept])
        if judged.levelled is None:
            return GaussianProcess(self._kernel, points, softened(judged.scores[kept]), at)
        targets, doubt = judged.levelled.targets[kept], judged.levelled.doubt[kept]
        return GaussianProcess(self._kernel, points, scaled(targets), at, doubt)


class Judged(NamedTuple):
    """Points, each once where fidelities are known, and their scores [n]; `levelled` where there are levels."""

    points: Sequence[Point]
    scores: Array
    levelled: Levelled | None


def judge(memory: Memory, objectives: Objectives) -> Judged:
    """What was told, point by point. Results at several levels of fidelity become one score each, of one level."""
    fidelities = np.array([math.inf if one is None else one for one in memory.fidelities])
    levels = np.unique(fidelities)
    if len(levels) < 2:
        return Judged(memory.points, objectives.scores(memory.metrics), None)
    rows = np.array(memory.rows)
    firsts = np.unique(rows, return_index=True)[1]
    seen = np.full((len(firsts), len(levels)), np.nan)
    for column, level in enumerate(levels):
        there = np.flatnonzero(fidelities == level)
        seen[rows[there], column] = objectives.scores([memory.metrics[number] for number in there])
    found = levelled(seen)
    return Judged([memory.points[number] for number in firsts], found.scores, found)


class Fitted:
    """`best`: the highest target, or the highest that is expected where targets are in doubt; `points` that were
    told and `scores` [n] of them."""

    def __init__(self, kernel: Kernel, process: GaussianProcess, best: float, judged: Judged) -> None:
        self._kernel, self._process, self.best = kernel, process, best
        self.points, self.scores = judged.points, judged.scores

    def predict(self, points: Sequence[Point]) -> Posterior:
        """Mean and standard deviation of the targets, [n] each."""
        return self._process.predict(self._kernel.code(list(points)))


def active(scores: Array, most: int = ACTIVE) -> list[int]:
    """The numbers of the trials that a process is fitted to: all, or the best half and the latest of the others."""
    if len(scores) <= most:
        return list(range(len(scores)))
    order = np.argsort(-scores, kind="stable")
    return sorted([*order[: most // 2].tolist(), *np.sort(order[most // 2 :])[-(most - most // 2) :].tolist()])
