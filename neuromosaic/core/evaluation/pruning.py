"""A trained network's weights for a narrower one of its kind: the channels that matter most are kept.

Structured pruning by magnitude (Li et al., 2017, arXiv:1608.08710), with one choice of channels for all tensors whose
axes must agree: axes that shrink from one size to another in the same way belong together, as along a residual
stream, and their channels are ranked by the norm over all their weights (Fang et al., 2023, arXiv:2301.12900, section
3.3, sum over the group). An axis that no weight produces is a producer's channels repeated, as behind a flattening,
or once for each gate of a recurrent layer. What is chosen can cost accuracy, never consistency: the narrower network
is trained again and measured.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuromosaic.core.errors import UsageError
from neuromosaic.core.graph.document import TensorData
from neuromosaic.core.graph.tensors import from_numpy, to_numpy

Shape = tuple[int, ...]
Array = NDArray[np.generic]
Chosen = NDArray[np.int64]
GATED = ("_ih", "_hh", "in_proj")
"""In the names of tensors that hold a matrix for each of several gates, or for queries, keys and values, in a row."""
GATES = (3, 4)


class Axis(NamedTuple):
    """An axis' size before and after; `gated`: several blocks of channels."""

    before: int
    after: int
    gated: bool = False


def narrowed(weights: Mapping[str, TensorData], shapes: Mapping[str, Shape]) -> dict[str, TensorData]:
    """The weights [by state_dict name] cut to `shapes`. Raises UsageError where they are not of one kind."""
    check_alike({name: tensor.shape for name, tensor in weights.items()}, shapes)
    arrays = {name: to_numpy(tensor) for name, tensor in weights.items()}
    kept = _kept(arrays, shapes)
    return {name: from_numpy(_cut(name, array, shapes[name], kept)) for name, array in arrays.items()}


def check_alike(wide: Mapping[str, Shape], narrow: Mapping[str, Shape]) -> None:
    """Raises UsageError unless the names are the same, and no axis grows."""
    if wide.keys() != narrow.keys():
        other = sorted(wide.keys() ^ narrow.keys())[0]
        raise UsageError(f"only one of both networks has {other!r}: channels can be pruned, not layers")
    for name, shape in wide.items():
        now = narrow[name]
        if len(shape) != len(now) or any(after > before for before, after in zip(shape, now, strict=True)):
            raise UsageError(f"{name!r} is {list(shape)} and cannot be cut to {list(now)}")


def _kept(arrays: Mapping[str, Array], shapes: Mapping[str, Shape]) -> dict[Axis, Chosen]:
    """Which channels of each kind of axis stay, in their order."""
    every = [(name, number, axis) for name in arrays for number, axis in _shrinking(name, arrays[name], shapes[name])]
    plain = list(dict.fromkeys(axis for _, _, axis in every if not axis.gated))
    norms: dict[Axis, NDArray[np.float64]] = {}
    for name, number, axis in every:
        known = _gates_of(axis, plain) if axis.gated else axis
        if number == 0 and known is not None:
            squares = _squares(name, arrays[name]).reshape(-1, known.before).sum(axis=0)
            norms[known] = norms.get(known, np.zeros(known.before)) + squares
    kept = {axis: np.sort(np.argsort(-norm, kind="stable")[: axis.after]) for axis, norm in norms.items()}
    produced = dict(kept)
    for axis in {axis for _, _, axis in every} - kept.keys():
        kept[axis] = _derived(axis, produced)
    return kept


def _gates_of(axis: Axis, plain: Sequence[Axis]) -> Axis | None:
    """The channels of which an axis of several gates holds so many blocks."""
    multiples = [Axis(axis.before // gates, axis.after // gates) for gates in GATES if axis.before % gates == 0]
    return next((known for known in multiples if known in plain and axis.after % known.after == 0), None)


def _shrinking(name: str, array: Array, shape: Shape) -> Iterator[tuple[int, Axis]]:
    for number, (before, after) in enumerate(zip(array.shape, shape, strict=True)):
        if before != after:
            yield number, Axis(before, after, number == 0 and any(mark in name for mark in GATED))


def _squares(name: str, array: Array) -> NDArray[np.float64]:
    """Of each of the first axis' channels; running statistics are no weights."""
    if not np.issubdtype(array.dtype, np.floating) or "running_" in name:
        return np.zeros(len(array))
    return np.asarray(np.square(array.astype(np.float64)).reshape(len(array), -1).sum(axis=1))


def _derived(axis: Axis, produced: Mapping[Axis, Chosen]) -> Chosen:
    """A producer's channels, each as many times as it stands in the axis, or all of them once for each gate; the
    first ones where there is no such producer."""
    if axis.gated:
        known = _gates_of(axis, list(produced))
        channels = np.arange(axis.after) if known is None else produced[known]
        blocks = np.zeros(1, np.int64) if known is None else np.arange(axis.before // known.before) * known.before
        return np.asarray((blocks[:, None] + channels).ravel())
    for known, channels in produced.items():
        times = axis.before // known.before
        if (axis.before, axis.after) == (known.before * times, known.after * times):
            return np.asarray((channels[:, None] * times + np.arange(times)).ravel())
    return np.arange(axis.after)


def _cut(name: str, array: Array, shape: Shape, kept: Mapping[Axis, Chosen]) -> Array:
    for number, axis in [*_shrinking(name, array, shape)]:
        array = np.take(array, kept[axis], axis=number)
    return np.ascontiguousarray(array)
