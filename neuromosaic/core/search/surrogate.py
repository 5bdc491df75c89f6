"""A Gaussian process over the trials of a search: which are looked at, how they are scored."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from neuromosaic.core.search.coordinates import Array
from neuromosaic.core.search.gaussian_process import Posterior
from neuromosaic.core.search.kernel import Kernel
from neuromosaic.core.search.levels import Level, Levels, worth_a_level
from neuromosaic.core.search.measured import Measured
from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.strategies.memory import Memory
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.space import SearchSpace

DRAWS = 200  # by which it is seen how often parameters are active
OFTEN, SELDOM = 80, 10  # up to 80 trials hyperparameters are learnt anew for each suggestion, later every tenth


class Surrogate:
    """What is expected of points of `space`; kept by a strategy, as it remembers what it learnt.

    `similar`: whether values of choices are learnt to be alike (see `kernel`). `measured`: figures that are known of
    points beforehand, as features beside their parameters.
    """

    def __init__(self, space: SearchSpace, similar: bool = True, measured: Measured | None = None) -> None:
        self._kernel = Kernel(space.parameters, similar, shares(space), measured)
        self._learnt: tuple[int, dict[float, Array]] | None = None

    def fit(self, memory: Memory, objectives: Objectives) -> "Fitted":
        """Expectations after these trials, those in flight taken to come out as expected (Ginsbourger et al., 2010:
        "kriging believer"). Depends on the trials alone. Raises numpy.linalg.LinAlgError where it fails."""
        told = judge(memory, objectives)
        known: dict[float, Array] = {}
        if len(told.points) > OFTEN:
            known = self._hyperparameters(memory, objectives, len(memory) // SELDOM * SELDOM)
        return Fitted(self._kernel, told, memory.pending, known)

    def _hyperparameters(self, memory: Memory, objectives: Objectives, count: int) -> dict[float, Array]:
        """Those of the first `count` results, by length of training."""
        if self._learnt is None or self._learnt[0] != count:
            told = judge(memory.before(count), objectives)
            self._learnt = count, dict(zip(told.levels, Fitted(self._kernel, told, (), {}).at, strict=True))
        return self._learnt[1]


def shares(space: SearchSpace) -> dict[str, float]:
    """In which share of even draws each parameter is active."""
    if not any(parameter.when for parameter in space.parameters.values()):
        return dict.fromkeys(space.parameters, 1.0)
    drawn = space.sample_many(DRAWS, 0)
    return {name: sum(name in point for point in drawn) / DRAWS for name in space.parameters}


class Told(NamedTuple):
    """What was told, by length of training, and the points of it; each point once where there are several lengths."""

    points: Sequence[Point]
    levels: dict[float, Level]


def judge(memory: Memory, objectives: Objectives) -> Told:
    """What was told, level by level from the lowest, those that count."""
    fidelities = np.array([math.inf if one is None else one for one in memory.fidelities])
    lengths = np.unique(fidelities).tolist()
    if len(lengths) < 2:
        scores = objectives.scores(memory.metrics)
        return Told(memory.points, {math.inf: Level(list(range(len(scores))), scores)})
    told = [np.flatnonzero(fidelities == length).tolist() for length in lengths]
    rows = [[memory.rows[one] for one in there] for there in told]
    counted = [
        (lengths[one], Level(rows[one], objectives.scores([memory.metrics[number] for number in told[one]])))
        for one in worth_a_level([set(there) for there in rows])
    ]
    firsts = np.unique(np.array(memory.rows), return_index=True)[1]
    return Told([memory.points[number] for number in firsts], dict(counted))


class Fitted:
    """`points` that were told, those first of which most is expected, and `best`: how much that is, as a target."""

    def __init__(self, kernel: Kernel, told: Told, pending: Sequence[Point], known: Mapping[float, Array]) -> None:
        self._kernel = kernel
        at = [known.get(length) for length in told.levels]
        self._levels = Levels(kernel, told.points, list(told.levels.values()), at)
        self.at, self.best = self._levels.at, self._levels.best
        self.points = [told.points[row] for row in self._levels.rows]
        if pending:
            self._levels.believe(kernel.code(list(pending)))

    def predict(self, points: Sequence[Point]) -> Posterior:
        """Mean and standard deviation of the targets, [n] each."""
        return self._levels.predict(self._kernel.code(list(points)))
