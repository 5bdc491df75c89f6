"""Small steps in a space, before constraints are asked."""

import math
from collections.abc import Iterator

from neuromosaic.core.space.parameters import (
    CategoricalParameter,
    FloatParameter,
    IntParameter,
    OrdinalParameter,
    Parameter,
    Point,
    Scalar,
    Space,
    choices,
    place,
    settled,
)

STRIDE = 0.05  # of the range, or of its logarithm


def single_steps(space: Space, point: Point) -> Iterator[Point]:
    """The points one step of one parameter away, their conditions settled with `usual` values."""
    for name in space:
        if name in point:
            for value in steps(space[name], point[name]):
                yield settled(space, {**point, name: value}, usual)


def single_changes(space: Space, point: Point) -> Iterator[Point]:
    """The points that differ in the value of one discrete parameter, by any number of steps, nearest first."""
    for name in space:
        if name in point and not isinstance(space[name], FloatParameter):
            values, here = choices(space[name]), place(space[name], point[name])
            for number in sorted(range(len(values)), key=lambda number: abs(number - here))[1:]:
                yield settled(space, {**point, name: values[number]}, usual)


def steps(parameter: Parameter, value: Scalar) -> list[Scalar]:
    """Values one step away: the next numbers and 5% of the range, the next in an order, every other choice."""
    if isinstance(parameter, FloatParameter):
        return strides(parameter, float(value))
    values, here = choices(parameter), place(parameter, value)
    if not isinstance(parameter, (IntParameter, OrdinalParameter)):
        return [other for number, other in enumerate(values) if number != here]
    nearest: list[Scalar] = [values[near] for near in (here - 1, here + 1) if 0 <= near < len(values)]
    far = strides(parameter, float(value)) if isinstance(parameter, IntParameter) else []
    return nearest + [other for other in far if other not in nearest]


def strides(parameter: IntParameter | FloatParameter, value: float) -> list[Scalar]:
    """The numbers a twentieth of the range away, on the parameter's own scale."""
    here = fraction(parameter, value)
    moved = [at_fraction(parameter, min(max(here + step, 0.0), 1.0)) for step in (-STRIDE, STRIDE)]
    return [other for other in moved if abs(fraction(parameter, float(other)) - here) > STRIDE / 1e6]


def usual(parameter: Parameter) -> Scalar:
    """The value of a parameter that a step brings in: the first choice, else the middle."""
    if isinstance(parameter, FloatParameter):
        return at_fraction(parameter, 0.5)
    values = choices(parameter)
    first = isinstance(parameter, CategoricalParameter) and not isinstance(parameter, OrdinalParameter)
    return values[0 if first else (len(values) - 1) // 2]


def fraction(parameter: IntParameter | FloatParameter, value: float) -> float:
    """Where a number stands in its range, in [0, 1], on the parameter's own scale; 0.5 in a range of one value."""
    low, high = _axis(parameter, parameter.min), _axis(parameter, parameter.max)
    return (_axis(parameter, value) - low) / (high - low) if high > low else 0.5


def at_fraction(parameter: IntParameter | FloatParameter, share: float) -> float:
    """The number at a place in its range; of whole numbers the nearest."""
    low, high = _axis(parameter, parameter.min), _axis(parameter, parameter.max)
    number = low + share * (high - low)
    return parameter.rounded(math.exp(number) if parameter.log else number)


def _axis(parameter: IntParameter | FloatParameter, value: float) -> float:
    return math.log(value) if parameter.log else value
