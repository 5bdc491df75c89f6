"""Which kind of input an array holds, read from its shape and from what the brief says of it."""

from dataclasses import dataclass
from math import prod
from typing import Literal

import numpy as np

from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data.inputs import Layout
from neuromosaic.core.evaluation.data.raw import Array, Table
from neuromosaic.core.evaluation.data.room import converted
from neuromosaic.core.evaluation.data.spelling import sized

CHANNELS = (1, 3, 4)
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Kind:
    """`layout` and `shape` (channels, height, width) belong to images; `note` says what was assumed."""

    name: Literal["image", "tabular", "sequence", "graph"]
    note: str = ""
    layout: Layout = "hw"
    shape: tuple[int, int, int] = (1, 1, 1)


def recognise(x: Array | Table, expected: Shape | None, name: str) -> Kind:
    """The kind of raw inputs; `expected` is the input shape that the brief names, if it names one.

    Raises DataError for arrays that are no numbers or have more than four axes.
    """
    if isinstance(x, Table):
        return Kind("tabular")
    if x.ndim == 2:
        return _flat(x, expected)
    if x.ndim == 3:
        return _image_or_sequence(x, expected)
    if x.ndim == 4:
        return _coloured(x, expected)
    raise DataError(
        f"the inputs of {name} have shape {sized(x.shape)}: give rows of features, sequences [n, time, features] "
        "or images [n, height, width] or [n, height, width, channels]"
    )


def numeric(x: Array, name: str) -> Array:
    """Inputs as numbers, single ones as a column. Raises DataError where they are none, or where there is none."""
    if x.dtype.kind not in "biuf":
        raise DataError(f"the inputs of {name} hold {x.dtype}, not numbers: give texts as the columns of a table")
    if x.size == 0:
        raise DataError(f"the inputs of {name} are empty: their shape is {sized(x.shape)}")
    x = x if x.dtype.isnative else converted(x, x.dtype.newbyteorder("="))
    x = x.view(np.uint8) if x.dtype.kind == "b" else x
    return x[:, None] if x.ndim == 1 else x


def _flat(x: Array, expected: Shape | None) -> Kind:
    if expected is None or len(expected) != 3 or prod(expected) != x.shape[1]:
        return Kind("tabular")
    channels, height, width = expected
    note = f"each row of {x.shape[1]} numbers was read as an image of {sized(expected)}, channel by channel"
    return Kind("image", note, "flat", (channels, height, width))


def _image_or_sequence(x: Array, expected: Shape | None) -> Kind:
    height, width = x.shape[1:]
    told = None if expected is None else {2: "sequence", 3: "image"}.get(len(expected))
    if told == "sequence" and x.dtype == np.uint8:
        told = "image"  # bytes are pixels; that they are grey may go unsaid
    if told == "image" or (told is None and (x.dtype == np.uint8 or height == width)):
        certain = told or x.dtype == np.uint8
        note = "" if certain else f"arrays of {height}x{width} were read as grey images: a brief can say otherwise"
        return Kind("image", note, "hw", (1, height, width))
    note = "" if told else f"arrays of {height}x{width} were read as {height} time steps of {width} features"
    return Kind("sequence", note)


def _coloured(x: Array, expected: Shape | None) -> Kind:
    first, last = (x.shape[1], x.shape[2], x.shape[3]), (x.shape[3], x.shape[1], x.shape[2])
    if expected in (first, last):
        is_last = expected != first
    elif (x.shape[3] in CHANNELS) != (x.shape[1] in CHANNELS):
        is_last = x.shape[3] in CHANNELS
    else:
        is_last = x.shape[3] < x.shape[1]
    shape = last if is_last else first
    place = "last" if is_last else "first"
    note = f"arrays of {sized(x.shape[1:])} were read as images with {shape[0]} channels on the {place} axis"
    return Kind("image", note, "hwc" if is_last else "chw", shape)
