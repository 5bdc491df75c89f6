"""Bayesian search: a Gaussian process learns which points are good, an acquisition function picks the next."""

import random
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.strategies.memory import Memory, Metrics
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.space import SearchSpace

if TYPE_CHECKING:
    from neuromosaic.core.search.coordinates import Array, Coordinates
    from neuromosaic.core.search.gaussian_process import GaussianProcess

INCUMBENTS = 5  # points whose neighbours are looked at
STEPS = 100  # neighbours looked at of each
DRAWS = 500  # points drawn from the whole space beside them
ACTIVE = 200  # observations that the process is fitted to: the best half and the latest, so that time is bounded


class BayesianSearch:
    """A Gaussian process on rank-normal targets (Snoek et al., 2012, arXiv:1206.2944, sections 2 and 3).

    Begins with `n_initial_random` even draws (as many as there are parameters and four more, if not given); then
    takes the best by `acquisition_function` (see `acquisition`) of the leaders' neighbours and of even draws. Points
    in flight count as if they had come out as expected (Ginsbourger et al., 2010: "kriging believer"). `fallbacks`:
    suggestions drawn by chance because the process failed.
    """

    def __init__(
        self,
        seed: int,
        objectives: Objectives,
        *,
        acquisition_function: Literal["ei", "ucb", "pi"] = "ei",
        n_initial_random: Annotated[int, Field(ge=1)] | None = None,
    ) -> None:
        self._seed, self._objectives = seed, objectives
        self._acquisition, self._initial = acquisition_function, n_initial_random
        self._memory = Memory()
        self._coordinates: Coordinates | None = None
        self.fallbacks = 0

    def suggest(self, space: SearchSpace, trial_number: int) -> Point:
        """The next point; one that was told already only where no other turns up."""
        import numpy as np

        draw = random.Random(f"{self._seed}/bayesian/{trial_number}")
        initial = len(space.parameters) + 4 if self._initial is None else self._initial
        if len(self._memory) < max(initial, 2):
            return self._memory.fresh(space, draw)
        candidates = self._memory.untried(self._proposed(space, draw))
        if not candidates:
            return self._memory.fresh(space, draw)
        try:
            return candidates[int(np.argmax(self._worth(space, candidates)))]
        except np.linalg.LinAlgError:
            self.fallbacks += 1
            return self._memory.fresh(space, draw)

    def update(self, architecture: Point, metrics: Metrics) -> None:
        self._memory.tell(architecture, metrics)

    def pending(self, points: Sequence[Point]) -> None:
        self._memory.await_(points)

    def _proposed(self, space: SearchSpace, draw: random.Random) -> Iterator[Point]:
        for leader in self._leaders():
            yield from islice(space.neighbours(leader), STEPS)
        yield from space.sample_many(DRAWS, draw.getrandbits(63))

    def _leaders(self) -> list[Point]:
        scores = self._objectives.scores(self._memory.metrics)
        order = sorted(range(len(scores)), key=lambda number: -scores[number])
        return [self._memory.points[number] for number in order[:INCUMBENTS]]

    def _worth(self, space: SearchSpace, candidates: list[Point]) -> "Array":
        from neuromosaic.core.search.acquisition import acquisition
        from neuromosaic.core.search.coordinates import Coordinates

        coordinates = Coordinates(space.parameters)
        process, best = self._fitted(coordinates)
        mean, deviation = process.predict(coordinates.of(candidates))
        return acquisition(self._acquisition, mean, deviation, best)

    def _fitted(self, coordinates: "Coordinates") -> tuple["GaussianProcess", float]:
        from neuromosaic.core.search.acquisition import rank_normal
        from neuromosaic.core.search.gaussian_process import GaussianProcess

        scores = self._objectives.scores(self._memory.metrics)
        kept = active(scores)
        targets = rank_normal(scores[kept])
        points = coordinates.of([self._memory.points[number] for number in kept])
        process = GaussianProcess(points, targets, coordinates.is_choice)
        if self._memory.pending:
            process = process.believing(coordinates.of(self._memory.pending))
        return process, float(targets.max())


def active(scores: "Array", most: int = ACTIVE) -> list[int]:
    """The numbers of the trials that a process is fitted to: all, or the best half and the latest of the others."""
    if len(scores) <= most:
        return list(range(len(scores)))
    best = sorted(range(len(scores)), key=lambda number: -scores[number])[: most // 2]
    rest = sorted(set(range(len(scores))) - set(best))[-(most // 2) :]
    return sorted(best + rest)
