"""The values of a parameter as numpy columns: by number where they are finite, drawn where they are not."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from neuromosaic.core.space.parameters import FloatParameter, IntParameter, Parameter, choices

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
    if isinstance(parameter, (IntParameter, FloatParameter)) and parameter.log:
        low, high = math.log(parameter.min), math.log(parameter.max)
        column = np.exp(draw.uniform(low, high, count))
        return np.clip(column, parameter.min, parameter.max) if _real(parameter) else _snapped(parameter, column)
    if isinstance(parameter, FloatParameter):
        return np.clip(draw.uniform(parameter.min, parameter.max, count), parameter.min, parameter.max)
    values = choices(parameter)
    numbers = draw.integers(0, len(values), count)
    if isinstance(parameter, IntParameter):
        return parameter.min + parameter.step * numbers
    return column_of(values)[numbers]


def _real(parameter: Parameter) -> bool:
    return isinstance(parameter, FloatParameter)


def _snapped(parameter: Parameter, column: Column) -> Column:
    assert isinstance(parameter, IntParameter)
    steps = np.rint((column - parameter.min) / parameter.step).astype(np.int64)
    return parameter.min + parameter.step * np.clip(steps, 0, len(choices(parameter)) - 1)
