"""The encoder that every space has: choices one-hot, numbers scaled."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from neuromosaic.core.errors import SpaceError
from neuromosaic.core.space.columns import meets
from neuromosaic.core.space.constraints import FunctionConstraint, TextConstraint
from neuromosaic.core.space.domains import Batch, Column, Mask, column_of, numbers_at, shares_of
from neuromosaic.core.space.encoders.base import BaseEncoder, Vector, checked
from neuromosaic.core.space.encoders.nearest import nearest_valid
from neuromosaic.core.space.parameters import (
    CategoricalParameter,
    FloatParameter,
    IntParameter,
    OrdinalParameter,
    Parameter,
    Point,
    choices,
    parents_first,
)
from neuromosaic.core.space.space import SearchSpace

MOST_STEPS = 2**40  # whole numbers up to here survive float64 in either scale


class _Part(NamedTuple):
    """One parameter's share of the vector. `rows` turns values into [n, width], `values` does the inverse."""

    start: int
    width: int
    rows: Callable[[Sequence[Any]], Vector]
    values: Callable[[Vector], Column]
    idle: float


class PointEncoder(BaseEncoder):
    """Points of a space as vectors: one place per number, bool and ordinal, one per value of a choice.

    Whole numbers, floats and ordinals are scaled to [0, 1], logarithmically where the parameter is; a choice is
    one-hot. A parameter that is not active stands at 0.5 (its one-hot at zeros); when decoded, the values of the
    others say whether it is. `decode(encode(a)) == a`; floats finer than their resolution (see FloatParameter) come
    back rounded to it. A vector that means no valid point is decoded to a near one: see `nearest_valid`.
    """

    def __init__(self, space: SearchSpace) -> None:
        self.space = space
        self._parts: dict[str, _Part] = {}
        start = 0
        for name, parameter in space.parameters.items():
            part = _part(name, parameter, start)
            self._parts[name] = part
            start += part.width
        self.dimension = start
        self._order = parents_first(dict(space.parameters))
        self._conditions = {name: _allowed(space, name) for name, p in space.parameters.items() if p.when}

    def encode(self, architecture: Mapping[str, Any]) -> Vector:
        """float64 [dimension]. Raises SpaceError for a point outside the space."""
        vector: Vector = self.encode_many([architecture])[0]
        return vector

    def decode(self, vector: Vector) -> Point:
        """The valid point at the vector, or near it.

        Raises SpaceError for NaN or a wrong shape, and where no valid point is found near.
        """
        return self._decoded(checked(vector, self.dimension)[None])[0]

    def encode_many(self, architectures: Sequence[Mapping[str, Any]]) -> Vector:
        """float64 [n, dimension]. Raises SpaceError for a point outside the space."""
        vectors = np.empty((len(architectures), self.dimension))
        try:
            for name, part in self._parts.items():
                self._write(vectors[:, part.start : part.start + part.width], name, part, architectures)
        except (KeyError, TypeError, ValueError, AttributeError):
            for one in architectures:
                self.space.check(one)
            raise
        return vectors

    def _write(self, into: Vector, name: str, part: _Part, points: Sequence[Mapping[str, Any]]) -> None:
        if name not in self._conditions:
            into[:] = part.rows([point[name] for point in points])
            return
        into[:] = part.idle
        rows = [number for number, point in enumerate(points) if name in point]
        if rows:
            into[rows] = part.rows([points[number][name] for number in rows])

    def decode_many(self, vectors: Vector) -> list[Point]:
        """The points of the rows of [n, dimension]: `decode` of each."""
        return self._decoded(checked(vectors, self.dimension, many=True))

    def _decoded(self, vectors: Vector) -> list[Point]:
        batch = self._batch(vectors)
        points = batch.points()
        valid = np.ones(batch.size, dtype=np.bool_)
        for one in self.space.constraints:
            valid &= _meets(one, batch, points)
        for number in np.flatnonzero(~valid):
            points[number] = nearest_valid(self.space, points[number], self._distance(vectors[number]))
        return points

    def _batch(self, vectors: Vector) -> Batch:
        columns: dict[str, Column] = {}
        active: dict[str, Mask] = {}
        for name in self._order:
            part = self._parts[name]
            columns[name] = part.values(vectors[:, part.start : part.start + part.width])
            if name in self._conditions:
                active[name] = np.ones(len(vectors), dtype=np.bool_)
                for parent, allowed in self._conditions[name].items():
                    active[name] &= allowed(columns[parent]) & active.get(parent, True)
        ordered = {name: columns[name] for name in self._parts}
        return Batch(ordered, active, len(vectors))

    def _distance(self, vector: Vector) -> Callable[[Sequence[Point]], Vector]:
        return lambda points: np.asarray(((self.encode_many(points) - vector) ** 2).sum(axis=1))


def _meets(one: TextConstraint | FunctionConstraint, batch: Batch, points: Sequence[Point]) -> Mask:
    if isinstance(one, TextConstraint):
        return meets(one, batch)
    return np.fromiter((one.holds(point) for point in points), dtype=np.bool_, count=len(points))


def _part(name: str, parameter: Parameter, start: int) -> _Part:
    if isinstance(parameter, FloatParameter):
        return _number(parameter, start)
    if isinstance(parameter, IntParameter):
        if max(abs(parameter.min), abs(parameter.max)) > MOST_STEPS:
            raise SpaceError(f"{name}: whole numbers beyond 2^40 cannot be encoded exactly")
        return _number(parameter, start)
    one_hot = isinstance(parameter, CategoricalParameter) and not isinstance(parameter, OrdinalParameter)
    return (_choice if one_hot else _ordered)(parameter, start)


def _number(parameter: IntParameter | FloatParameter, start: int) -> _Part:
    kind = np.float64 if isinstance(parameter, FloatParameter) else np.int64

    def rows(values: Sequence[Any]) -> Vector:
        column = np.array(values)
        known = "i" if isinstance(parameter, IntParameter) else "if"
        if column.dtype.kind not in known or not np.all((column >= parameter.min) & (column <= parameter.max)):
            raise ValueError("out of range")
        return shares_of(parameter, column)[:, None]

    return _Part(start, 1, rows, lambda shares: numbers_at(parameter, shares[:, 0]).astype(kind), 0.5)


def _numbered(parameter: Parameter) -> tuple[dict[tuple[type, Any], int], Column]:
    values = list(choices(parameter))
    return {(type(value), value): number for number, value in enumerate(values)}, column_of(values)


def _ordered(parameter: Parameter, start: int) -> _Part:
    numbers, values = _numbered(parameter)
    last = max(len(values) - 1, 1)

    def rows(given: Sequence[Any]) -> Vector:
        return np.array([[numbers[type(value), value] / last] for value in given], dtype=np.float64)

    return _Part(start, 1, rows, lambda s: values[np.rint(s[:, 0] * (len(values) - 1)).astype(np.int64)], 0.5)


def _choice(parameter: Parameter, start: int) -> _Part:
    numbers, values = _numbered(parameter)
    one_hot = np.eye(len(values))

    def rows(given: Sequence[Any]) -> Vector:
        return one_hot[[numbers[type(value), value] for value in given]]

    return _Part(start, len(values), rows, lambda shares: values[shares.argmax(axis=1)], 0.0)


def _allowed(space: SearchSpace, name: str) -> dict[str, Callable[[Column], Mask]]:
    """Per parent, which values of a column bring the parameter in."""
    allowed = {}
    for parent, values in space.parameters[name].conditions():
        wanted = {(type(value), value) for value in values}
        allowed[parent] = _tester(wanted)
    return allowed


def _tester(wanted: set[tuple[type, Any]]) -> Callable[[Column], Mask]:
    def test(column: Column) -> Mask:
        return np.fromiter(((type(v), v) in wanted for v in column.tolist()), dtype=np.bool_, count=len(column))

    return test
