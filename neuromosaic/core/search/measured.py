"""Cheap figures of points, known before anything is trained: further features of a surrogate."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from neuromosaic.core.errors import NeuromosaicError, SpaceError
from neuromosaic.core.search.coordinates import Array
from neuromosaic.core.search.strategies.memory import Key, key_of
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.space import SearchSpace

DRAWS = 32  # even draws, between whose least and most a figure is taken to lie

Figures = Mapping[str, float]


class Measured:
    """What `space.measures` tell of points; each point is measured once. `count`: how many figures there are, those
    left out that are the same, or unknown, for all of 32 even draws."""

    def __init__(self, space: SearchSpace) -> None:
        assert space.measures is not None
        self._measures: Callable[[Sequence[Point]], Sequence[Figures]] = space.measures
        self._known: dict[Key, Figures] = {}
        drawn = self._figures(space.sample_many(DRAWS, 0))
        spans = {name: _span(drawn, name) for name in sorted({name for one in drawn for name in one})}
        self._spans = {name: span for name, span in spans.items() if span[1] > span[0]}

    @property
    def count(self) -> int:
        return len(self._spans)

    def of(self, points: Sequence[Point]) -> Array:
        """[n, count]: 0 at the least of the draws, 1 at the most; NaN where a figure is not known."""
        rows = [
            [(figures.get(name, math.nan) - low) / (high - low) for name, (low, high) in self._spans.items()]
            for figures in self._figures(points)
        ]
        found = np.array(rows, dtype=np.float64).reshape(len(points), self.count)
        return np.where(np.isfinite(found), found, math.nan)

    def _figures(self, points: Sequence[Point]) -> list[Figures]:
        keys = [key_of(point) for point in points]
        new = {key: point for key, point in zip(keys, points, strict=True) if key not in self._known}
        if new:
            told = self._ask(list(new.values()))
            self._known.update(zip(new, told, strict=True))
        return [self._known[key] for key in keys]

    def _ask(self, points: Sequence[Point]) -> Sequence[Figures]:
        try:
            told = [{str(name): float(value) for name, value in one.items()} for one in self._measures(points)]
        except NeuromosaicError:
            raise
        except Exception as error:
            raise SpaceError(f"measures: {type(error).__name__}: {error}") from error
        if len(told) != len(points):
            raise SpaceError(f"measures: {len(points)} points were given, and {len(told)} came back")
        return told


def _span(figures: Sequence[Figures], name: str) -> tuple[float, float]:
    """The least and the most of those that are known."""
    known = [one[name] for one in figures if math.isfinite(one.get(name, math.nan))]
    return (min(known), max(known)) if known else (0.0, 0.0)
