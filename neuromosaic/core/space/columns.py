"""Constraints as text, asked of many points at once."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from neuromosaic.core.space.constraints import TextConstraint
from neuromosaic.core.space.domains import Batch, Column, Mask
from neuromosaic.core.space.expressions import SCALARS, Dialect, evaluate
from neuromosaic.core.space.parameters import Point


def meets(constraint: TextConstraint, batch: Batch) -> Mask:
    """`holds` for every point of a batch."""
    applies = np.ones(batch.size, dtype=np.bool_)
    for name in constraint.names & batch.active.keys():
        applies &= batch.active[name]
    result = np.ones(batch.size, dtype=np.bool_)
    columns = {name: batch.columns[name][applies] for name in constraint.names}
    result[applies] = mask(constraint, columns, int(applies.sum()))
    return result


def mask(constraint: TextConstraint, columns: Mapping[str, Column], count: int) -> Mask:
    """`holds` for `count` points, whose values stand in columns; all of the constraint's parameters are active.

    What the quick arithmetic of columns does not cover exactly (a division by zero somewhere, text in sums,
    numbers beyond 2^53) is asked point by point.
    """
    if constraint.is_plain and count > 1:
        try:
            with np.errstate(all="raise"):
                found = evaluate(constraint.tree, columns, COLUMNS)
            return np.broadcast_to(np.asarray(found, dtype=np.bool_), (count,))
        except (ArithmeticError, TypeError, ValueError):
            pass  # point by point it is
    rows = _rows({name: columns[name] for name in constraint.names})
    return np.fromiter((constraint.holds(row) for row in rows), dtype=np.bool_, count=count)


def _rows(columns: Mapping[str, Column]) -> Iterable[Point]:
    values = zip(*(column.tolist() for column in columns.values()), strict=True)
    return (dict(zip(columns, row, strict=True)) for row in values)


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
