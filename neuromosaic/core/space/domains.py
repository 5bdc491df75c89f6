"""The values of a parameter as numpy columns: by number where they are finite, drawn where they are not."""

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from neuromosaic.core.space.parameters import FloatParameter, IntParameter, Parameter, Point, choices

Column = npt.NDArray[Any]
Numbers = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def size_of(parameter: Parameter) -> int | None:
    """How many values it has; None for a float."""
    return None if isinstance(parameter, FloatParameter) else len(choices(parameter))


def column_of(values: Any) -> Column:
    """Values as a column: a native one where all are of one numeric type, else one of Python objects."""
    kinds = {type(value) for value in values}
    if len(kinds) == 1 and kinds <= {bool, float}:
        return np.array(values)
    if kinds == {int} and max(map(abs, values), default=0) < 2**53:
        return np.array(values, dtype=np.int64)
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def weights_of(parameter: Parameter) -> Weights:
    """How likely each value of a discrete parameter is, as a mean of 1: even, but for integers with `log`.

    Those take the share of the logarithmic range that rounds to them.
    """
    count = len(choices(parameter))
    if not (isinstance(parameter, IntParameter) and parameter.log) or count == 1:
        return np.ones(count)
    last = parameter.min + parameter.step * (count - 1)
    edges = parameter.min + parameter.step * (np.arange(count + 1) - 0.5)
    edges[0], edges[-1] = parameter.min, max(parameter.max, last)
    shares = np.diff(np.log(edges))
    return np.asarray(shares * (count / shares.sum()), dtype=np.float64)


def drawn(parameter: Parameter, count: int, draw: np.random.Generator) -> Column:
    """`count` values, each drawn as the parameter says: evenly, or evenly in log space."""
    if isinstance(parameter, (IntParameter, FloatParameter)) and (parameter.log or _real(parameter)):
        return numbers_at(parameter, draw.random(count))
    values = choices(parameter)
    numbers = draw.integers(0, len(values), count)
    if isinstance(parameter, IntParameter):
        return parameter.min + parameter.step * numbers
    return column_of(values)[numbers]


def numbers_at(parameter: IntParameter | FloatParameter, shares: Weights) -> Column:
    """The numbers at places in [0, 1] of the parameter's range, on its own scale; a whole number is the nearest."""
    low, high = _axis(parameter, parameter.min), _axis(parameter, parameter.max)
    numbers = low + shares * (high - low)
    if parameter.log:
        numbers = np.exp(numbers)
    if isinstance(parameter, FloatParameter):
        return np.array([parameter.rounded(number) for number in numbers.tolist()], dtype=np.float64)
    steps = np.rint((numbers - parameter.min) / parameter.step).astype(np.int64)
    return parameter.min + parameter.step * np.clip(steps, 0, len(choices(parameter)) - 1)


def shares_of(parameter: IntParameter | FloatParameter, numbers: Column) -> Weights:
    """Where numbers stand in their range, in [0, 1]: the inverse of `numbers_at`; 0.5 in a range of one value."""
    low, high = _axis(parameter, parameter.min), _axis(parameter, parameter.max)
    if high == low:
        return np.full(len(numbers), 0.5)
    places = np.log(numbers) if parameter.log else numbers
    return np.clip((places - low) / (high - low), 0.0, 1.0)


def _axis(parameter: IntParameter | FloatParameter, value: float) -> float:
    return math.log(value) if parameter.log else value


def _real(parameter: Parameter) -> bool:
    return isinstance(parameter, FloatParameter)


class Batch(NamedTuple):
    """Many points: a column of values per parameter; for conditional ones, where they are active."""

    columns: dict[str, Column]
    active: dict[str, Mask]
    size: int

    def only(self, kept: Mask) -> "Batch":
        columns = {name: column[kept] for name, column in self.columns.items()}
        return Batch(columns, {name: mask[kept] for name, mask in self.active.items()}, int(kept.sum()))

    def points(self) -> list[Point]:
        names = list(self.columns)
        if not names:
            return [{} for _ in range(self.size)]
        rows = zip(*(column.tolist() for column in self.columns.values()), strict=True)
        if not self.active:
            return [dict(zip(names, row, strict=True)) for row in rows]
        everywhere = np.ones(self.size, dtype=np.bool_)
        masks = zip(*(self.active.get(name, everywhere).tolist() for name in names), strict=True)
        return [
            {name: value for name, value, is_in in zip(names, row, mask, strict=True) if is_in}
            for row, mask in zip(rows, masks, strict=True)
        ]
