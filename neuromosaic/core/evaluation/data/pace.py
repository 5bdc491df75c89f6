"""How far apart the steps of a series are, and how many of them make the time that a brief speaks of."""

from typing import NamedTuple

import numpy as np

from neuromosaic.core.brief import Brief, TensorSpec
from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data.raw import Array, Raw

SECONDS = {
    "second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86_400.0, "week": 604_800.0, "month": 2_629_746.0,
    "quarter": 7_889_238.0, "year": 31_556_952.0,
}  # fmt: skip
"""Months, quarters and years are the mean ones of the Gregorian calendar."""
UNEVEN = 1.5
"""Times the usual distance, above which steps are missing between two of them."""


class Pace(NamedTuple):
    """`seconds` from one step to the next, the median; `gaps`: how many are further apart, by half of it or more."""

    seconds: float
    gaps: int


def pace(times: Array | None) -> Pace | None:
    """None where the times are no dates, or do not go on."""
    if times is None or times.dtype.kind != "M" or len(times) < 2:
        return None
    apart = np.diff(np.sort(times)) / np.timedelta64(1, "s")
    usual = float(np.median(apart))
    return Pace(usual, int((apart > UNEVEN * usual).sum())) if usual > 0 else None


def in_rows(brief: Brief, raw: Raw) -> tuple[Brief, tuple[str, ...]]:
    """The brief with its past and horizon in rows of the data, and notes on what was made of the time it spoke of.

    Raises DataError where a row is longer than the past or the horizon.
    """
    found = pace(raw.times)
    notes = () if found is None else _gaps(found)
    if brief.step is None:
        return brief, notes
    if found is None:
        return brief, (
            f"each row of {raw.name} is taken for one {brief.step}: name a column of dates (--time) to be sure",
        )
    rows = {side: _rows(brief, side, found, raw.name) for side in ("input", "output") if getattr(brief, side)}
    usual = f"the rows of {raw.name} are {lasting(found.seconds)} apart"
    return brief.model_copy(update={**rows, "step": None}), (usual, *notes)


def _rows(brief: Brief, side: str, found: Pace, name: str) -> TensorSpec:
    spec: TensorSpec = getattr(brief, side)
    length = spec.shape[0] * SECONDS[str(brief.step)] / found.seconds
    rows = round(length)
    if abs(length - rows) > 0.1 * length:
        what = "look back" if side == "input" else "horizon"
        raise DataError(
            f"the {what} of {spec.shape[0]} {brief.step}s is no whole number of rows of {name}, which are "
            f"{lasting(found.seconds)} apart: choose another"
        )
    return spec.model_copy(update={"shape": (rows, *spec.shape[1:])})


def _gaps(found: Pace) -> tuple[str, ...]:
    if not found.gaps:
        return ()
    places = f"{found.gaps} places" if found.gaps > 1 else "one place"
    return (f"rows are missing in {places}, where the next is later than the usual {lasting(found.seconds)}",)


def lasting(seconds: float) -> str:
    """In the largest unit that it is a whole number of: "1 hour", "15 minutes"; months and longer to within 4%."""
    for unit in reversed(SECONDS):
        count, wide = seconds / SECONDS[unit], 0.04 if unit in ("month", "quarter", "year") else 1e-9
        if round(count) >= 1 and abs(count - round(count)) <= wide * count:
            return f"{round(count)} {unit}{'s' if round(count) > 1 else ''}"
    return f"{seconds:.4g} seconds"
