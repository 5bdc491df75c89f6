"""Random search: the baseline that every other strategy must beat."""

import random
from collections.abc import Sequence

from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.strategies.memory import Memory, Metrics
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.space import SearchSpace


class RandomSearch:
    """Independent even draws of points that were not tried yet (Bergstra and Bengio, 2012, "Random search for
    hyper-parameter optimization")."""

    def __init__(self, seed: int, objectives: Objectives) -> None:
        self._seed, self._memory = seed, Memory()

    def suggest(self, space: SearchSpace, trial_number: int) -> Point:
        return self._memory.fresh(space, random.Random(f"{self._seed}/random/{trial_number}"))

    def update(self, architecture: Point, metrics: Metrics) -> None:
        self._memory.tell(architecture, metrics)

    def pending(self, points: Sequence[Point]) -> None:
        self._memory.await_(points)
