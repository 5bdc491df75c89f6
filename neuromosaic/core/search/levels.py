"""Trials that were trained for different lengths: a Gaussian process per length, each taught by the one below.

What a point comes to at a level is a line of what the level below expects of it, and what is new there: a process of
its own, over the same points (recursive co-kriging: Kennedy and O'Hagan, 2000, Biometrika 87(1); Le Gratiet and
Garnier, 2014, International Journal for Uncertainty Quantification 4(5)). So a lower level counts for as much as the
trials that were at both say; where they show that it misleads, and for which points, the higher level overrules it.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from neuromosaic.core.search.acquisition import softened
from neuromosaic.core.search.coordinates import Array
from neuromosaic.core.search.gaussian_process import GaussianProcess, Posterior
from neuromosaic.core.search.kernel import Coded, Kernel
from neuromosaic.core.space.parameters import Point

PAIRS = 4  # trials that came to a level, from which on it counts
BELIEF = 2.0  # so many pairs the assumption counts for that half of the spread is kept and half of it is new
NARROW = 0.1  # a spread of expectations below this tells as little as none
ACTIVE = 200  # trials that a process is fitted to, so that its time is bounded


class Level(NamedTuple):
    """The trials of one length: their points by number among all, and scores, more is better, [n] each."""

    rows: list[int]
    scores: Array


class Storey(NamedTuple):
    """A level as fitted: `offset + slope * (what is expected below) + spread * process`."""

    process: GaussianProcess
    offset: float = 0.0
    slope: float = 0.0
    spread: float = 1.0


class Levels:
    """Expectations at the highest of `levels`, given from the lowest to the highest; of one level a process alone.

    `points`: those that the levels number. `at`: hyperparameters of each level's process, searched for where they are
    None. `rows`: the points that a process was fitted to, by number, those first of which most is expected, and
    `best`, how much that is. Raises numpy.linalg.LinAlgError where a process fails.
    """

    def __init__(
        self, kernel: Kernel, points: Sequence[Point], levels: Sequence[Level], at: Sequence[Array | None]
    ) -> None:
        self._storeys: list[Storey] = []
        found: dict[int, float] = {}
        for level, known in zip(levels, at, strict=True):
            kept = active(level.scores)
            rows, targets = [level.rows[one] for one in kept], softened(level.scores[kept])
            self._storeys.append(self._storey(kernel, kernel.code([points[row] for row in rows]), targets, known))
            found |= dict(zip(rows, targets.tolist(), strict=True))
        if len(levels) > 1:
            means = self.predict(kernel.code([points[row] for row in found])).mean
            found = dict(zip(found, means.tolist(), strict=True))
        self.rows, self.best = sorted(found, key=lambda row: -found[row]), max(found.values())

    def _storey(self, kernel: Kernel, points: Coded, targets: Array, at: Array | None) -> Storey:
        if not self._storeys:
            return Storey(GaussianProcess(kernel, points, targets, at))
        expected = self.predict(points).mean
        offset, slope, spread = _line(expected, targets)
        new = (targets - offset - slope * expected) / spread
        return Storey(GaussianProcess(kernel, points, new, at), offset, slope, spread)

    @property
    def at(self) -> list[Array]:
        """The hyperparameters of each level."""
        return [storey.process.at for storey in self._storeys]

    def predict(self, points: Coded) -> Posterior:
        """Mean and standard deviation, each [m], at `points` [m], at the highest level, without the noise."""
        mean, variance = np.zeros(len(points.choices)), np.zeros(len(points.choices))
        for process, offset, slope, spread in self._storeys:
            new = process.predict(points)
            mean = offset + slope * mean + spread * new.mean
            variance = slope**2 * variance + spread**2 * new.deviation**2
        return Posterior(mean, np.sqrt(variance))

    def believe(self, points: Coded) -> None:
        """As if `points` had come out as expected at every level; the hyperparameters stay."""
        self._storeys = [one._replace(process=one.process.believing(points)) for one in self._storeys]


def _line(expected: Array, targets: Array) -> tuple[float, float, float]:
    """Offset and slope of the targets [n] over what was expected [n], and the spread around that."""
    middle, unit = expected.mean(), max(float(expected.std()), NARROW)
    ahead = (expected - middle) / unit
    slope = max(0.0, float((ahead @ targets + BELIEF / 2) / (ahead @ ahead + BELIEF)))
    missed = targets - slope * ahead
    spread = float(np.sqrt((missed @ missed + BELIEF / 2) / (len(targets) + BELIEF)))
    return -slope * middle / unit, slope / unit, spread


def active(scores: Array, most: int = ACTIVE) -> list[int]:
    """The numbers of the trials that a process is fitted to: all, or the best half and the latest of the others."""
    if len(scores) <= most:
        return list(range(len(scores)))
    order = np.argsort(-scores, kind="stable")
    return sorted([*order[: most // 2].tolist(), *np.sort(order[most // 2 :])[-(most - most // 2) :].tolist()])


def worth_a_level(reached: Sequence[set[int]]) -> Iterator[int]:
    """Which of the levels that these trials reached count, from the lowest: `PAIRS` came there, and `PAIRS` no
    farther (of the others the next one tells more), but for the highest."""
    enough = [number for number, trials in enumerate(reached) if len(trials) >= PAIRS] or [0]
    for number in enough[:-1]:
        farther = set().union(*reached[number + 1 :])
        if len(reached[number] - farther) >= PAIRS:
            yield number
    yield enough[-1]
