"""Points as rows of numbers, which surrogates work on."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from neuromosaic.core.space.domains import shares_of
from neuromosaic.core.space.parameters import (
    FloatParameter,
    IntParameter,
    OrdinalParameter,
    Parameter,
    Point,
    choices,
)

Array: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]


class Coordinates:
    """One column per parameter: a choice's number; a number's place in [0, 1] on its own scale, an ordinal's among
    its values; NaN where the parameter is not active. `is_choice` [d] tells which columns are choices."""

    def __init__(self, parameters: Mapping[str, Parameter]) -> None:
        self._columns = {name: _reader(parameter) for name, parameter in parameters.items()}
        self._optional = {name for name, parameter in parameters.items() if parameter.when}
        self.is_choice: Mask = np.array([is_choice(parameter) for parameter in parameters.values()], dtype=np.bool_)

    def of(self, points: Sequence[Point]) -> Array:
        """float64 [n, d]."""
        rows = np.full((len(points), len(self._columns)), np.nan)
        for column, (name, read) in enumerate(self._columns.items()):
            if name not in self._optional:
                rows[:, column] = read([point[name] for point in points])
                continue
            there = [number for number, point in enumerate(points) if name in point]
            rows[there, column] = read([points[number][name] for number in there])
        return rows


def is_choice(parameter: Parameter) -> bool:
    """Whether its values stand in no order."""
    return parameter.type in ("categorical", "bool")


def _reader(parameter: Parameter) -> Callable[[Sequence[Any]], Array]:
    if isinstance(parameter, IntParameter | FloatParameter):
        return lambda values: shares_of(parameter, np.array(values, dtype=np.float64))
    known = choices(parameter)
    scale = 1 / max(len(known) - 1, 1) if isinstance(parameter, OrdinalParameter) else 1.0
    places = {(type(value), value): number * scale for number, value in enumerate(known)}
    return lambda values: np.array([places.get((type(value), value), math.nan) for value in values])
