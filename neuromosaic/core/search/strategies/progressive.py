"""Progressive search: simple points first; what they taught decides which of them grow."""

import random
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.strategies.evolution import AtLeastTwo
from neuromosaic.core.search.strategies.grid import coarse
from neuromosaic.core.search.strategies.memory import Memory, Metrics
from neuromosaic.core.space.moving import usual
from neuromosaic.core.space.parameters import (
    IntParameter,
    OrdinalParameter,
    Parameter,
    Point,
    Scalar,
    choices,
    same,
    settled,
)
from neuromosaic.core.space.space import SearchSpace

if TYPE_CHECKING:
    from neuromosaic.core.search.coordinates import Array
    from neuromosaic.core.search.surrogate import Surrogate

RESOLUTION = 5  # values of a number that growing tries
GROWN = 2_000  # points that are ranked at most


class Progressive:
    """Progressive search (Liu et al., 2018, "Progressive neural architecture search", arXiv:1712.00559, section 4)
    over any space.

    The simplest point has the first value of every choice and order, the least of every whole number, the middle of
    every float; the complexity of a point is how many of its parameters differ from that. A stage is `beam_size`
    trials, and each may be one parameter more complex than those of the stage before: a Gaussian process that saw
    all trials so far ranks what becomes of the best `beam_size` of them by one change. After the last stage they
    go on being changed.
    """

    def __init__(self, seed: int, objectives: Objectives, *, beam_size: AtLeastTwo = 10) -> None:
        self._seed, self._objectives, self._beam = seed, objectives, beam_size
        self._memory = Memory()
        self._surrogate: Surrogate | None = None
        self.fallbacks = 0

    def suggest(self, space: SearchSpace, trial_number: int) -> Point:
        import numpy as np

        draw = random.Random(f"{self._seed}/progressive/{trial_number}")
        stage = 1 + len(self._memory) // self._beam
        candidates = self._memory.untried(islice(self._grown(space, stage), GROWN))
        if not candidates:
            return self._memory.fresh(space, draw)
        if len(self._memory) < 2:
            return candidates[0] if len(self._memory) == 0 else draw.choice(candidates)
        try:
            return candidates[int(np.argmax(self._expected(space, candidates)))]
        except np.linalg.LinAlgError:
            self.fallbacks += 1
            return draw.choice(candidates)

    def update(self, architecture: Point, metrics: Metrics) -> None:
        self._memory.tell(architecture, metrics)

    def pending(self, points: Sequence[Point]) -> None:
        self._memory.await_(points)

    def _expected(self, space: SearchSpace, candidates: list[Point]) -> "Array":
        from neuromosaic.core.search.acquisition import acquisition
        from neuromosaic.core.search.surrogate import Surrogate

        self._surrogate = self._surrogate or Surrogate(space)
        fitted = self._surrogate.fit(self._memory, self._objectives)
        mean, deviation = fitted.predict(candidates)
        return acquisition("ei", mean, deviation, fitted.best)

    def _grown(self, space: SearchSpace, stage: int) -> Iterator[Point]:
        """The simplest point, then what is one change away from the best that may grow, up to the stage."""
        simple = {name: simplest(parameter) for name, parameter in space.parameters.items()}
        start = settled(dict(space.parameters), simple, simplest)
        if space.contains(start):
            yield start
        grid = coarse(space, RESOLUTION)
        for parent in [*self._parents(simple, stage), start]:
            for other in changed(space, grid, parent):
                if complexity(other, simple) <= stage and space.contains(other):
                    yield other

    def _parents(self, simple: Point, stage: int) -> list[Point]:
        scores = self._objectives.scores(self._memory.metrics)
        order = sorted(range(len(scores)), key=lambda number: -scores[number])
        points = (self._memory.points[number] for number in order)
        return list(islice((point for point in points if complexity(point, simple) <= stage), self._beam))


def changed(space: SearchSpace, grid: SearchSpace, point: Point) -> Iterator[Point]:
    """The point with one parameter at another value of the grid; constraints may not be met."""
    for name in point:
        for value in choices(grid.parameters[name]):
            if not same(value, point[name]):
                yield settled(dict(space.parameters), {**point, name: value}, simplest)


def simplest(parameter: Parameter) -> Scalar:
    """Where growing begins."""
    if isinstance(parameter, IntParameter | OrdinalParameter):
        return choices(parameter)[0]
    return usual(parameter)


def complexity(point: Point, simple: Point) -> int:
    """How many parameters differ from the simplest."""
    return sum(not same(value, simple[name]) for name, value in point.items())
