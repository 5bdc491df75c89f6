"""Bayesian search: a Gaussian process learns which points are good, expected improvement picks the next."""

import math
import random
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING

from neuromosaic.core.space.parameters import (
    FloatParameter,
    IntParameter,
    OrdinalParameter,
    Parameter,
    Point,
    Scalar,
    place,
)
from neuromosaic.core.space.space import SearchSpace

if TYPE_CHECKING:
    from neuromosaic.core.search.gaussian_process import Array, GaussianProcess

INCUMBENTS = 5  # points whose neighbours are looked at
STEPS = 100  # neighbours looked at of each
DRAWS = 500  # points drawn from the whole space beside them
ACTIVE = 200  # observations that the process is fitted to: the best half and the latest, so that time is bounded


class BayesianSearch:
    """Expected improvement (Jones et al., 1998) by a Gaussian process on rank-normal targets.

    Begins with `n_initial_random` even draws (as many as there are parameters and four more, if not given); then
    takes the best of the leaders' neighbours and of draws from the whole space. `metrics["fitness"]`: more is
    better; NaN and infinities count as worst. `fallbacks`: suggestions drawn by chance because the process failed.

    >>> space = SearchSpace({"x": {"type": "float", "min": 0.0, "max": 1.0}})
    >>> strategy = BayesianSearch(seed=0)
    >>> for number in range(20):
    ...     point = strategy.suggest(space, number)
    ...     strategy.update(point, {"fitness": -(point["x"] - 0.3) ** 2})
    >>> max(fitness for _, fitness in strategy.told) > -0.001
    True
    """

    def __init__(self, seed: int, n_initial_random: int | None = None) -> None:
        self._seed, self._initial = seed, n_initial_random
        self.told: list[tuple[Point, float]] = []
        self.fallbacks = 0
        self._logarithms: Array | None = None

    def suggest(self, space: SearchSpace, trial_number: int) -> Point:
        """The next point; one that was told already only where no other turns up."""
        import numpy as np

        draw = random.Random(f"{self._seed}/bayesian/{trial_number}")
        initial = len(space.parameters) + 4 if self._initial is None else self._initial
        if len(self.told) < max(initial, 2):
            return self._fresh(space, draw)
        candidates = self._candidates(space, draw)
        if not candidates:
            return space.sample(draw)
        try:
            return candidates[int(np.argmax(self._improvement(space, candidates)))]
        except np.linalg.LinAlgError:
            self.fallbacks += 1
            self._logarithms = None
            return self._fresh(space, draw)

    def update(self, architecture: Point, metrics: Mapping[str, float]) -> None:
        fitness = metrics["fitness"]
        self.told.append((architecture, fitness if math.isfinite(fitness) else -math.inf))

    def _fresh(self, space: SearchSpace, draw: random.Random) -> Point:
        seen = {_key(point) for point, _ in self.told}
        points = space.sample_many(20, draw.getrandbits(63))
        return next((point for point in points if _key(point) not in seen), points[0])

    def _candidates(self, space: SearchSpace, draw: random.Random) -> list[Point]:
        """Untried points, each once: the leaders' neighbours and moves, and even draws."""
        seen = {_key(point) for point, _ in self.told}
        found = {_key(point): point for point in self._proposed(space, draw)}
        return [point for key, point in found.items() if key not in seen]

    def _proposed(self, space: SearchSpace, draw: random.Random) -> Iterator[Point]:
        for leader, _ in sorted(self.told, key=lambda told: -told[1])[:INCUMBENTS]:
            yield from islice(space.neighbours(leader), STEPS)
        yield from space.sample_many(DRAWS, draw.getrandbits(63))

    def _improvement(self, space: SearchSpace, candidates: list[Point]) -> "Array":
        import numpy as np
        from scipy.special import ndtr

        process, best = self._fitted(space)
        mean, deviation = process.predict(coordinates(space, candidates))
        ahead = (mean - best) / deviation
        gain: Array = deviation * (ahead * ndtr(ahead) + np.exp(-(ahead**2) / 2) / math.sqrt(2 * math.pi))
        return gain

    def _fitted(self, space: SearchSpace) -> tuple["GaussianProcess", float]:
        import numpy as np

        from neuromosaic.core.search.gaussian_process import GaussianProcess

        told = self._active()
        targets = rank_normal([fitness for _, fitness in told])
        is_choice = np.array([_is_choice(parameter) for parameter in space.parameters.values()])
        points = coordinates(space, [point for point, _ in told])
        process = GaussianProcess(points, targets, is_choice, self._logarithms)
        self._logarithms = process.logarithms
        return process, float(targets.max())

    def _active(self) -> list[tuple[Point, float]]:
        if len(self.told) <= ACTIVE:
            return self.told
        best = sorted(range(len(self.told)), key=lambda number: -self.told[number][1])[: ACTIVE // 2]
        rest = [number for number in range(len(self.told)) if number not in set(best)][-(ACTIVE // 2) :]
        return [self.told[number] for number in sorted(best + rest)]


def coordinates(space: SearchSpace, points: list[Point]) -> "Array":
    """[n, d]: a choice's number, a number's place in [0, 1] (log where it is), NaN where it is not active."""
    import numpy as np

    rows = [[_coordinate(one, point.get(name)) for name, one in space.parameters.items()] for point in points]
    return np.array(rows, dtype=np.float64)


def rank_normal(values: list[float]) -> "Array":
    """Targets of mean 0 and variance 1: the normal quantiles of the ranks; equal values share theirs."""
    from scipy.special import ndtri
    from scipy.stats import rankdata

    targets: Array = ndtri((rankdata(values) - 0.5) / len(values))
    spread = float(targets.std())
    return targets / spread if spread else targets


def _coordinate(parameter: Parameter, value: Scalar | None) -> float:
    if value is None:
        return math.nan
    if _is_choice(parameter):
        return float(place(parameter, value))
    if isinstance(parameter, OrdinalParameter):
        return place(parameter, value) / max(len(parameter.values) - 1, 1)
    assert isinstance(parameter, IntParameter | FloatParameter)
    low, high, here = float(parameter.min), float(parameter.max), float(value)
    if parameter.log:
        low, high, here = math.log(low), math.log(high), math.log(here)
    return (here - low) / (high - low) if high > low else 0.0


def _is_choice(parameter: Parameter) -> bool:
    return parameter.type in ("categorical", "bool")


def _key(point: Point) -> tuple[tuple[str, Scalar], ...]:
    return tuple(sorted(point.items()))
