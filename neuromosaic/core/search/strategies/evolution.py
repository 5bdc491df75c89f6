"""Evolutionary search by generations, and regularised evolution, in which the oldest die."""

import random
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from neuromosaic.core.errors import SpaceError
from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.strategies.memory import Memory, Metrics
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.space import SearchSpace

TRIES = 10  # children that are drawn until one is new

Individual = tuple[Point, Metrics]
AtLeastOne = Annotated[int, Field(ge=1)]
AtLeastTwo = Annotated[int, Field(ge=2)]
Share = Annotated[float, Field(ge=0, le=1)]


class Evolution:
    """A genetic algorithm by generations (Eiben and Smith, 2015, "Introduction to evolutionary computing", ch. 5).

    Parents win a tournament of `tournament_size`; a child is a cross of two with probability `crossover_rate`, and
    is mutated with `mutation_rate` (always where it was not crossed). A generation are `population_size` trials, in
    the order in which they end; the `elitism` best of the old one live on in the new one.
    """

    def __init__(
        self,
        seed: int,
        objectives: Objectives,
        *,
        population_size: AtLeastTwo = 20,
        tournament_size: AtLeastOne = 3,
        crossover_rate: Share = 0.5,
        mutation_rate: Share = 0.8,
        elitism: Annotated[int, Field(ge=0)] = 4,
    ) -> None:
        self._seed, self._objectives, self._size = seed, objectives, population_size
        self._tournament, self._elitism = tournament_size, elitism
        self._crossover, self._mutation = crossover_rate, mutation_rate
        self._memory = Memory()
        self._brood: list[Individual] = []
        self._parents: list[Individual] = []
        self._scores: list[float] = []

    def suggest(self, space: SearchSpace, trial_number: int) -> Point:
        draw = random.Random(f"{self._seed}/evolutionary/{trial_number}")
        if not self._parents:
            return self._memory.fresh(space, draw)
        for _ in range(TRIES):
            child = self._child(space, draw)
            if not self._memory.knows(child):
                return child
        return self._memory.fresh(space, draw)

    def update(self, architecture: Point, metrics: Metrics) -> None:
        self._memory.tell(architecture, metrics)
        self._brood.append((architecture, metrics))
        if len(self._brood) == self._size:
            self._parents = [*self._elite(), *self._brood]
            self._scores = scores_of(self._parents, self._objectives)
            self._brood = []

    def pending(self, points: Sequence[Point]) -> None:
        self._memory.await_(points)

    def _elite(self) -> list[Individual]:
        order = sorted(range(len(self._parents)), key=lambda number: -self._scores[number])
        return [self._parents[number] for number in order[: self._elitism]]

    def _child(self, space: SearchSpace, draw: random.Random) -> Point:
        parent = self._select(draw)
        if draw.random() >= self._crossover:
            return mutated(space, parent, draw)
        child = space.cross(parent, self._select(draw), draw)
        return mutated(space, child, draw) if draw.random() < self._mutation else child

    def _select(self, draw: random.Random) -> Point:
        return self._parents[tournament(self._scores, self._tournament, draw)][0]


class RegularizedEvolution:
    """Aging evolution (Real et al., 2019, arXiv:1802.01548, section 3).

    After `population_size` even draws, the best of `tournament_size` drawn from the latest `population_size` trials
    is mutated; the oldest dies whatever its worth. With probability `crossover_rate` it is crossed with the winner
    of another tournament before.
    """

    def __init__(
        self,
        seed: int,
        objectives: Objectives,
        *,
        population_size: AtLeastTwo = 30,
        tournament_size: AtLeastOne = 10,
        crossover_rate: Share = 0.0,
    ) -> None:
        self._seed, self._objectives, self._size = seed, objectives, population_size
        self._tournament, self._crossover = tournament_size, crossover_rate
        self._memory = Memory()

    def suggest(self, space: SearchSpace, trial_number: int) -> Point:
        draw = random.Random(f"{self._seed}/regularized_evolution/{trial_number}")
        if len(self._memory) < self._size:
            return self._memory.fresh(space, draw)
        living = self._memory.points[-self._size :]
        scores = self._objectives.scores(self._memory.metrics[-self._size :]).tolist()
        for _ in range(TRIES):
            child = living[tournament(scores, self._tournament, draw)]
            if draw.random() < self._crossover:
                child = space.cross(child, living[tournament(scores, self._tournament, draw)], draw)
            child = mutated(space, child, draw)
            if not self._memory.knows(child):
                return child
        return self._memory.fresh(space, draw)

    def update(self, architecture: Point, metrics: Metrics) -> None:
        self._memory.tell(architecture, metrics)

    def pending(self, points: Sequence[Point]) -> None:
        self._memory.await_(points)


def tournament(scores: Sequence[float], size: int, draw: random.Random) -> int:
    """The number of the best among `size` drawn without repetition; of equal ones the first drawn."""
    return max(draw.sample(range(len(scores)), k=min(size, len(scores))), key=scores.__getitem__)


def scores_of(population: Sequence[Individual], objectives: Objectives) -> list[float]:
    found: list[float] = objectives.scores([metrics for _, metrics in population]).tolist()
    return found


def mutated(space: SearchSpace, point: Point, draw: random.Random) -> Point:
    """A mutation of the point; the point itself where the space holds no other."""
    try:
        return space.mutate(point, draw)
    except SpaceError:
        if not space.contains(point):
            raise
        return point
