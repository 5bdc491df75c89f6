"""Operations that reach beyond their tensors when they are given wrong shapes, behind a check of these.

Found by calling every allowed operation with random arguments over memory of known content (PyTorch 2.13 on a CPU):
`aten.lstm.input` and `aten._weight_norm` read and write past their tensors; a circular `aten.pad` that also cuts, and
`aten.grid_sampler` in a mode that does not exist, return memory that nobody wrote; an
`aten.embedding_bag` without a bag, or of the wrong sizes, ends the process. No module of torch.nn calls them so.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

aten = torch.ops.aten


def pad(x: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Any:
    if mode == "circular" and any(amount < 0 for amount in pad):
        raise ValueError(f"a circular pad cannot be negative: {list(pad)}")
    return aten.pad.default(x, pad, mode, value)


def grid_sampler(x: Tensor, grid: Tensor, interpolation: int, padding: int, align_corners: bool) -> Any:
    """`interpolation`: 0 bilinear, 1 nearest, 2 bicubic; `padding`: 0 zeros, 1 border, 2 reflection."""
    if interpolation not in (0, 1, 2) or padding not in (0, 1, 2):
        raise ValueError(f"a grid sampler has no interpolation {interpolation} with padding {padding}")
    return aten.grid_sampler.default(x, grid, interpolation, padding, align_corners)


def weight_norm(v: Tensor, g: Tensor, dim: int = 0) -> Any:
    expected = [size if axis == dim else 1 for axis, size in enumerate(v.shape)]
    if not v.numel() or dim not in range(v.ndim) or list(g.shape) != expected:
        raise ValueError(f"weight norm over axis {dim} of {list(v.shape)} needs magnitudes {expected}")
    return aten._weight_norm.default(v, g, dim)


def lstm(
    x: Tensor, hidden: Sequence[Tensor], weights: Sequence[Tensor], biases: bool, layers: int, dropout: float,
    train: bool, bidirectional: bool, batch_first: bool,
) -> Any:  # fmt: skip
    """`hidden`: the outputs' state [layers * directions, batch, projected width], and the cells' [.., .., width]."""
    if len(hidden) != 2:
        raise ValueError("an LSTM needs two initial states")
    _check_recurrent(4, x, hidden, weights, biases, layers, bidirectional, batch_first)
    return aten.lstm.input(x, hidden, weights, biases, layers, dropout, train, bidirectional, batch_first)


def _simple(operation: Any, gates: int) -> Callable[..., Any]:
    def recurrent(
        x: Tensor, hidden: Tensor, weights: Sequence[Tensor], biases: bool, layers: int, dropout: float,
        train: bool, bidirectional: bool, batch_first: bool,
    ) -> Any:  # fmt: skip
        _check_recurrent(gates, x, [hidden], weights, biases, layers, bidirectional, batch_first)
        return operation(x, hidden, weights, biases, layers, dropout, train, bidirectional, batch_first)

    recurrent.__name__ = recurrent.__qualname__ = str(operation).replace(".", "_")
    return recurrent


def _check_recurrent(
    gates: int, x: Tensor, states: Sequence[Tensor], weights: Sequence[Tensor], biases: bool, layers: int,
    bidirectional: bool, batch_first: bool,
) -> None:  # fmt: skip
    directions = 2 if bidirectional else 1
    if x.ndim != 3 or any(state.ndim != 3 for state in states) or layers < 1:
        raise ValueError("a recurrent layer needs an input and states of three axes, and a layer")
    batch, out, width = x.shape[0 if batch_first else 1], states[0].shape[2], states[-1].shape[2]
    expected = [[layers * directions, batch, out], [layers * directions, batch, width]][-len(states) :]
    for layer in range(layers):
        shapes = _weights(gates, x.shape[2] if layer == 0 else out * directions, out, width, biases)
        expected += shapes * directions
    found = [list(tensor.shape) for tensor in (*states, *weights)]
    if found != expected or any(tensor.dtype != x.dtype for tensor in (*states, *weights)):
        raise ValueError(f"a recurrent layer needs states and weights {expected} of {x.dtype}, not {found}")


def _weights(gates: int, into: int, out: int, width: int, biases: bool) -> list[list[int]]:
    """The shapes for one layer and direction: from the input, from the state, their biases, the projection."""
    shapes = [[gates * width, into], [gates * width, out]]
    shapes += [[gates * width]] * 2 if biases else []
    return shapes + ([[out, width]] if out != width else [])


def embedding_bag(
    weight: Tensor, indices: Tensor, offsets: Tensor, scale_grad_by_freq: bool = False, mode: int = 0,
    sparse: bool = False, per_sample_weights: Tensor | None = None, include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Any:  # fmt: skip
    """`mode`: 0 sum, 1 mean, 2 max. The sizes and places that follow the bags [bags, width] are not told: PyTorch
    leaves them unwritten for a sum."""
    dense = not sparse and weight.ndim == 2 and weight.numel() and indices.ndim == offsets.ndim == 1
    if not dense or mode not in (0, 1, 2) or (per_sample_weights is not None and mode):
        raise ValueError("an embedding bag needs a table, indices and offsets of one axis each, and dense gradients")
    if per_sample_weights is not None and per_sample_weights.shape != indices.shape:
        raise ValueError("an embedding bag needs one weight for each index")
    _check_offsets(indices, offsets, include_last_offset)
    bags, *told = aten.embedding_bag.padding_idx(
        weight, indices, offsets, scale_grad_by_freq, mode, False, per_sample_weights, include_last_offset,
        padding_idx,
    )  # fmt: skip
    return bags, *map(torch.zeros_like, told)


def _check_offsets(indices: Tensor, offsets: Tensor, with_end: bool) -> None:
    if offsets.numel() < (2 if with_end else 1):
        raise ValueError("an embedding bag needs a bag")
    if offsets.is_meta:
        return
    starts, length = offsets.tolist(), indices.shape[0]
    if starts[0] != 0 or starts != sorted(starts) or starts[-1] > length or (with_end and starts[-1] < length):
        raise ValueError(f"the offsets of an embedding bag rise from 0 to at most {length}, and are not {starts}")


GUARDS: dict[str, Callable[..., Any]] = {
    "aten.pad.default": pad,
    "aten.grid_sampler.default": grid_sampler,
    "aten._weight_norm.default": weight_norm,
    "aten.embedding_bag.padding_idx": embedding_bag,
    "aten.lstm.input": lstm,
    "aten.gru.input": _simple(aten.gru.input, 3),
    "aten.rnn_tanh.input": _simple(aten.rnn_tanh.input, 1),
    "aten.rnn_relu.input": _simple(aten.rnn_relu.input, 1),
}
"""What runs instead of the operation of that name, with the same arguments."""
