"""What a strategy remembers: the trials it was told of, and those in flight."""

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.space import SearchSpace

Key: TypeAlias = str
Metrics: TypeAlias = Mapping[str, float]
DRAWS = 16  # of which an untried one is taken
LISTED = 10_000  # spaces up to here are listed when they are nearly used up


class Memory:
    """Points with their raw metrics, in the order in which they were told, and the fidelity that these are of (None:
    nobody said); `rows` tell which of them are of the same point, by its number among all that differ; `pending` are
    in flight."""

    def __init__(self) -> None:
        self.points: list[Point] = []
        self.metrics: list[Metrics] = []
        self.fidelities: list[float | None] = []
        self.rows: list[int] = []
        self.pending: list[Point] = []
        self._tried: dict[Key, int] = {}
        self._in_flight: set[Key] = set()

    def __len__(self) -> int:
        return len(self.points)

    @property
    def distinct(self) -> int:
        """How many points were told of."""
        return len(self._tried)

    def tell(self, point: Point, metrics: Metrics, fidelity: float | None = None) -> None:
        self.points.append(point)
        self.metrics.append(metrics)
        self.fidelities.append(fidelity)
        self.rows.append(self._tried.setdefault(key_of(point), len(self._tried)))

    def await_(self, points: Sequence[Point]) -> None:
        self.pending = list(points)
        self._in_flight = set(map(key_of, points))

    def before(self, count: int) -> "Memory":
        """What was known after the first `count` trials, with nothing in flight but what is now."""
        earlier = Memory()
        earlier.points, earlier.metrics = self.points[:count], self.metrics[:count]
        earlier.fidelities, earlier.rows = self.fidelities[:count], self.rows[:count]
        earlier._tried = {key_of(point): row for point, row in zip(earlier.points, earlier.rows, strict=True)}
        return earlier

    def knows(self, point: Point) -> bool:
        """Whether the point was told or is in flight: the point as written, since isomorphic ones may differ."""
        key = key_of(point)
        return key in self._tried or key in self._in_flight

    def untried(self, points: Iterable[Point]) -> list[Point]:
        """Those that are not known, each once, in their order."""
        found = {key_of(point): point for point in points}
        return [point for key, point in found.items() if key not in self._tried and key not in self._in_flight]

    def fresh(self, space: SearchSpace, draw: random.Random) -> Point:
        """An even draw; one that was tried already only where no other turns up."""
        first = space.sample(draw)
        if not self.knows(first):
            return first
        more = self.untried(space.sample_many(DRAWS, draw.getrandbits(63))) or self._left(space)
        return draw.choice(more) if more else first

    def _left(self, space: SearchSpace) -> list[Point]:
        """All untried points of a small space that is nearly used up."""
        size = space.size()
        few = size is not None and size <= min(LISTED, 8 * len(self._tried.keys() | self._in_flight))
        return self.untried(space.enumerate()) if few else []


def key_of(point: Point) -> Key:
    """What tells points apart: 1, 1.0 and True are three values."""
    return repr(sorted(point.items()))
