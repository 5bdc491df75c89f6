"""What a point must meet: text over its parameters, or any function of the point."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from neuromosaic.core.errors import SpaceError
from neuromosaic.core.space.domains import Batch, Column, Mask
from neuromosaic.core.space.expressions import SCALARS, Dialect, evaluate, magnitude, names_in, parse_expression
from neuromosaic.core.space.parameters import FloatParameter, IntParameter, Point, Scalar, Space, choices

LARGEST = 2.0**53  # up to here float64 and int64 arithmetic are exact and agree with Python's


class TextConstraint:
    """`depth * width < 10_000`. It does not apply to a point in which one of its parameters is not active."""

    def __init__(self, text: str, space: Space, path: str) -> None:
        self.text, self.path = text, path
        self._tree = parse_expression(text, space, path)
        self.names = names_in(self._tree)
        if not self.names:
            raise SpaceError(f"{path}: {text!r} names no parameter")
        sizes = {name: _largest(space[name]) for name in self.names}
        self._quick = magnitude(self._tree, sizes) < LARGEST

    def holds(self, point: Mapping[str, Scalar]) -> bool:
        """Whether the point meets it. Raises SpaceError where the expression raises."""
        if not self.names <= point.keys():
            return True
        try:
            return bool(evaluate(self._tree, point))
        except (ArithmeticError, TypeError, ValueError) as error:
            raise _raised(self, point, error) from error

    def mask(self, columns: Mapping[str, Column], count: int) -> Mask:
        """`holds` for `count` points at once, whose values stand in columns; all of its parameters are active.

        What the quick arithmetic of columns does not cover exactly (a division by zero somewhere, text in sums,
        numbers beyond 2^53) is asked point by point.
        """
        if self._quick and count > 1:
            try:
                with np.errstate(all="raise"):
                    found = evaluate(self._tree, columns, COLUMNS)
                return np.broadcast_to(np.asarray(found, dtype=np.bool_), (count,))
            except (ArithmeticError, TypeError, ValueError):
                pass  # point by point it is
        rows = _rows({name: columns[name] for name in self.names}, count)
        return np.fromiter((self.holds(row) for row in rows), dtype=np.bool_, count=count)

    def meets(self, batch: Batch) -> Mask:
        """`holds` for every point of a batch."""
        applies = np.ones(batch.size, dtype=np.bool_)
        for name in self.names & batch.active.keys():
            applies &= batch.active[name]
        result = np.ones(batch.size, dtype=np.bool_)
        columns = {name: batch.columns[name][applies] for name in self.names}
        result[applies] = self.mask(columns, int(applies.sum()))
        return result


class FunctionConstraint:
    """A user's own function of the point, which holds the active parameters only.

    It does not apply where it asks for a parameter that is not active.
    """

    def __init__(self, function: Callable[[Point], Any], space: Space, path: str) -> None:
        self.function, self.path, self._space = function, path, space
        self.text = getattr(function, "__qualname__", type(function).__name__)

    def holds(self, point: Mapping[str, Scalar]) -> bool:
        """Whether the point meets it. Raises SpaceError where the function raises, or gives no truth value."""
        try:
            found = self.function(dict(point))
            if found is not None:
                return bool(found)
        except KeyError as error:
            if error.args and error.args[0] in self._space and error.args[0] not in point:
                return True
            raise _raised(self, point, error) from error
        except Exception as error:
            raise _raised(self, point, error) from error
        raise SpaceError(f"{self.path}: {self.text} returned None; a constraint returns True or False")


Constraint = TextConstraint | FunctionConstraint


def read_constraints(given: Iterable[str | Callable[[Point], Any]], space: Space) -> list[Constraint]:
    """Text and functions as constraints. Raises SpaceError with `constraints[number]`."""
    if isinstance(given, (str, Mapping)) or not isinstance(given, Iterable):
        raise SpaceError(f"constraints: give a list of text and functions, not {given!r}")
    return [_read(one, space, f"constraints[{number}]") for number, one in enumerate(given)]


def _read(one: str | Callable[[Point], Any], space: Space, path: str) -> Constraint:
    if isinstance(one, str):
        return TextConstraint(one, space, path)
    if callable(one):
        return FunctionConstraint(one, space, path)
    raise SpaceError(f"{path}: {one!r} is neither text nor a function")


def _raised(constraint: Constraint, point: Mapping[str, Scalar], error: Exception) -> SpaceError:
    shown = {name: value for name, value in point.items() if name in getattr(constraint, "names", point)}
    return SpaceError(f"{constraint.path}: {constraint.text} raised {type(error).__name__}: {error}, at {shown}")


def _largest(parameter: Any) -> float:
    if isinstance(parameter, (IntParameter, FloatParameter)):
        return max(abs(parameter.min), abs(parameter.max))
    return max((abs(value) for value in choices(parameter) if not isinstance(value, str)), default=0.0)


def _rows(columns: Mapping[str, Column], count: int) -> Iterable[Point]:
    names = list(columns)
    if not names:
        return ({} for _ in range(count))
    return (dict(zip(names, row, strict=True)) for row in zip(*(columns[n].tolist() for n in names), strict=True))


# ---------------------------------------------------------------- the dialect of columns


def _logical(together: Any) -> Callable[[Iterable[Any]], Any]:
    return lambda parts: together.reduce(np.broadcast_arrays(*[_truth(part) for part in parts]))


def _truth(value: Any) -> Any:
    return np.asarray(value).astype(np.bool_)


def _number(value: Any) -> Any:
    """Python counts True as 1; numpy would take `+` of truths for `or`. Objects are left to the points."""
    column = np.asarray(value)
    if column.dtype.kind not in "bif":
        raise TypeError("no plain numbers")
    return column.astype(np.int64) if column.dtype == np.bool_ else column


def _left_to_points(*_: Any) -> Any:
    raise TypeError("numpy's last digit may differ from Python's")


COLUMNS = Dialect(
    every=_logical(np.logical_and),
    some=_logical(np.logical_or),
    opposite=lambda value: np.logical_not(_truth(value)),
    choose=lambda test, then, otherwise: np.where(_truth(test), then(), otherwise()),
    number=_number,
    power=_left_to_points,
    functions={
        "abs": np.abs,
        "min": lambda *values: np.minimum.reduce(np.broadcast_arrays(*values)),
        "max": lambda *values: np.maximum.reduce(np.broadcast_arrays(*values)),
        "sqrt": np.sqrt,
        "log2": _left_to_points,
    },
)
assert COLUMNS.functions.keys() == SCALARS.functions.keys()
