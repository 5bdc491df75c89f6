"""From a point that breaks constraints to a near one that meets them, in bounded tries."""

import heapq
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from neuromosaic.core.space.constraints import TextConstraint
from neuromosaic.core.space.moving import at_fraction, fraction, usual
from neuromosaic.core.space.parameters import (
    FloatParameter,
    IntParameter,
    OrdinalParameter,
    Parameter,
    Point,
    Scalar,
    choices,
    place,
    settled,
)

if TYPE_CHECKING:
    from neuromosaic.core.space.space import SearchSpace

Distance = Callable[[Sequence[Point]], npt.NDArray[np.float64]]
VALUES = 128  # of one parameter, the nearest ones
TRIES = 2_000
DRAWS = 256


def nearest_valid(space: "SearchSpace", point: Point, distance: Distance) -> Point:
    """A valid point near `point`, by `distance`, deterministic.

    The nearest with one parameter changed; where there is none, the first of a best-first search that moves several
    (2,000 points at most); else the nearest of 256 draws. Raises SpaceError where those find none.
    """
    movable = _movable(space, point)
    alone = [other for name in movable for other in _changed(space, point, name) if _meets(space, other)]
    if alone:
        return alone[int(np.argmin(distance(alone)))]
    found = _searched(space, point, movable, distance)
    if found is not None:
        return found
    draws = space.sample_many(DRAWS, seed=0)
    return draws[int(np.argmin(distance(draws)))]


def _movable(space: "SearchSpace", point: Point) -> list[str]:
    """The parameters that can mend what is broken: what the broken constraints read, and all that hangs on it."""
    broken = [one for one in space.constraints if not one.holds(point)]
    if not all(isinstance(one, TextConstraint) for one in broken):
        return list(point)
    names = {name for one in broken if isinstance(one, TextConstraint) for name in one.names}
    linked = True
    while linked:
        parents = {parent for name in names for parent, _ in space.parameters[name].conditions()}
        beside = {name for one in space.constraints if isinstance(one, TextConstraint) and one.names & names
                  for name in one.names}  # fmt: skip
        linked = not (parents | beside) <= names
        names |= parents | beside
    return [name for name in point if name in names]


def _changed(space: "SearchSpace", point: Point, name: str) -> Iterator[Point]:
    parameters = dict(space.parameters)
    for value in _values(parameters[name], point[name]):
        yield settled(parameters, {**point, name: value}, usual)


def _values(parameter: Parameter, value: Scalar) -> list[Scalar]:
    """Other values, nearest first."""
    if isinstance(parameter, FloatParameter):
        here = fraction(parameter, float(value))
        grid = sorted((number / VALUES for number in range(VALUES + 1)), key=lambda share: abs(share - here))
        return [other for share in grid if (other := at_fraction(parameter, share)) != value]
    values, here_ = choices(parameter), place(parameter, value)
    reach = range(max(0, here_ - VALUES), min(len(values), here_ + VALUES + 1))
    return [values[number] for number in sorted(reach, key=lambda number: abs(number - here_))[1:]]


def _searched(space: "SearchSpace", point: Point, movable: Sequence[str], distance: Distance) -> Point | None:
    """Best-first over strides of one parameter at a time: one step, two, four, ... up to the whole range."""
    numbers = count()
    waiting = [(0.0, next(numbers), point)]
    seen = {_key(point)}
    while waiting and len(seen) < TRIES:
        _, _, here = heapq.heappop(waiting)
        if _meets(space, here):
            return here
        new = [other for name in movable if name in here for other in _strides(space, here, name)]
        fresh = list({_key(other): other for other in new if _key(other) not in seen}.values())
        seen.update(map(_key, fresh))
        for away, other in zip(distance(fresh).tolist() if fresh else [], fresh, strict=True):
            heapq.heappush(waiting, (away, next(numbers), other))
    rest = (other for _, _, other in sorted(waiting))
    return next((other for other in rest if _meets(space, other)), None)


def _strides(space: "SearchSpace", point: Point, name: str) -> Iterator[Point]:
    parameter = space.parameters[name]
    values = _values(parameter, point[name])
    if isinstance(parameter, (IntParameter, OrdinalParameter, FloatParameter)):
        values = [values[number] for number in _doubling(len(values))]
    parameters = dict(space.parameters)
    for value in values:
        yield settled(parameters, {**point, name: value}, usual)


def _doubling(count_: int) -> list[int]:
    """Pairs of places 0, 1, 2, 3, 6, 7, 14, 15, ...: both sides of ever longer strides."""
    places, stride = [], 1
    while 2 * stride - 2 < count_:
        places += [number for number in (2 * stride - 2, 2 * stride - 1) if number < count_]
        stride *= 2
    return places


def _meets(space: "SearchSpace", point: Point) -> bool:
    return all(one.holds(point) for one in space.constraints)


def _key(point: Point) -> tuple[tuple[str, type, Scalar], ...]:
    return tuple((name, type(value), value) for name, value in point.items())
