"""Local search: try the neighbours of the best point, go where it gets better, begin anew where it does not."""

import random
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.strategies.memory import Key, Memory, Metrics, key_of
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.space import SearchSpace


class LocalSearch:
    """Hill climbing with restarts (White et al., 2021, "Exploring the loss landscape in neural architecture
    search", arXiv:2005.02960): the neighbours of where it stands in random order, and on to the first that is
    better; when none is left untried, an even draw is the next start.

    `n_initial_random`: even draws at the start, the best of which is where it begins.
    """

    def __init__(
        self, seed: int, objectives: Objectives, *, n_initial_random: Annotated[int, Field(ge=1)] = 10
    ) -> None:
        self._seed, self._objectives, self._initial = seed, objectives, n_initial_random
        self._memory = Memory()
        self._followed = 0
        self._here: Metrics | None = None
        self._seen: set[Key] = set()
        self._around: dict[Key, Point] = {}

    def suggest(self, space: SearchSpace, trial_number: int) -> Point:
        draw = random.Random(f"{self._seed}/local_search/{trial_number}")
        self._follow(space)
        nearby = [point for point in self._around.values() if not self._memory.knows(point)]
        if len(self._memory) < self._initial or not nearby:
            return self._memory.fresh(space, draw)
        return draw.choice(nearby)

    def update(self, architecture: Point, metrics: Metrics) -> None:
        self._memory.tell(architecture, metrics)

    def pending(self, points: Sequence[Point]) -> None:
        self._memory.await_(points)

    def _follow(self, space: SearchSpace) -> None:
        """Goes the way that the trials told since the last time lead."""
        while self._followed < len(self._memory):
            point = self._memory.points[self._followed]
            metrics = self._memory.metrics[self._followed]
            self._followed += 1
            self._seen.add(key_of(point))
            self._around.pop(key_of(point), None)
            begins_anew = not self._around and self._followed > self._initial
            if self._here is None or begins_anew or self._is_better(metrics):
                self._here = metrics
                near = {key_of(other): other for other in space.neighbours(point)}
                self._around = {key: other for key, other in near.items() if key not in self._seen}

    def _is_better(self, metrics: Metrics) -> bool:
        here, there = self._objectives.scores([self._here or {}, metrics])
        return bool(there > here)
