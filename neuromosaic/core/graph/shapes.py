"""Tells torch.export the shapes that some layers give, so that it need not work them out.

For a recurrent layer it would run a decomposition step by step along time: six seconds for fifty steps of an LSTM,
for a graph that holds the whole layer as one node in the end. For a linear layer on more than two axes it would go
through the rules of a general matrix product, a third of the time that a Transformer takes. For an activation or
a norm it would work out type promotion and strides with symbolic sizes, a third of the time that a small CNN takes.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch._C import DispatchKey
from torch._prims_common import is_contiguous_for_memory_format_or_false
from torch._subclasses.fake_impls import get_fast_op_impls
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode

Like = tuple[Sequence[int]] | tuple[Sequence[int], torch.dtype]
Rule = Callable[..., tuple[Like, ...]]
"""From the arguments of an operation to shape and dtype (None: the input's) of all that it returns."""

_KEYS = (DispatchKey.CompositeImplicitAutograd, DispatchKey.Autograd)


@contextmanager
def quick_shapes() -> Iterator[None]:
    """Replaces PyTorch's Python rules for these operations, and puts them back."""
    kept = {operation: dict(operation.py_kernels) for operation in _RULES}
    fast = get_fast_op_impls()
    before = dict(fast)
    try:
        for operation, rule in _RULES.items():
            _use(operation, {**kept[operation], **dict.fromkeys(_KEYS, rule)})
        fast.update({operation: partial(_quick, operation, rule) for operation, rule in _LIKE_INPUT.items()})
        yield
    finally:
        fast.clear()
        fast.update(before)
        for operation, kernels in kept.items():
            _use(operation, kernels)


def _use(operation: Any, kernels: dict[DispatchKey, Callable[..., Any]]) -> None:
    operation.py_kernels.clear()
    operation.py_kernels.update(kernels)
    operation._dispatch_cache.clear()


def _quick(operation: Any, rule: Rule, mode: FakeTensorMode, x: Tensor, *rest: Any, **named: Any) -> Any:
    """The rule's answer for float inputs in plain order; for any other PyTorch's own."""
    if x.is_floating_point() and _is_plain(x):
        made = tuple(_fake(mode, x, *like) for like in rule(x, *rest))
        return made if len(made) > 1 else made[0]
    fast = get_fast_op_impls()
    own = fast.pop(operation)
    try:
        with mode:
            return operation(x, *rest, **named)
    finally:
        fast[operation] = own


def _fake(mode: FakeTensorMode, x: Tensor, shape: Sequence[int], dtype: torch.dtype | None = None) -> Tensor:
    return FakeTensor(mode, torch.empty(shape, dtype=dtype or x.dtype, device="meta"), device=x.device)


def _activation(x: Tensor, *_: Any) -> tuple[Like, ...]:
    return ((x.shape,),)


def _dropout(x: Tensor, *_: Any) -> tuple[Like, ...]:
    """The outputs, and what was kept."""
    return (x.shape,), (x.shape, torch.bool)


def _batch_norm(x: Tensor, *_: Any) -> tuple[Like, ...]:
    """The outputs, and mean and deviation of the batch."""
    return (x.shape,), (x.shape[1:2],), (x.shape[1:2],)


def _layer_norm(x: Tensor, normalized: Sequence[int], *_: Any) -> tuple[Like, ...]:
    kept = (*x.shape[: -len(normalized)], *(1 for _ in normalized))
    return (x.shape,), (kept,), (kept,)


def _is_plain(x: Tensor) -> bool:
    return is_contiguous_for_memory_format_or_false(x, memory_format=torch.contiguous_format)


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    if x.shape[-1] != weight.shape[-1]:
        raise RuntimeError(f"a linear layer for width {weight.shape[-1]} was given width {x.shape[-1]}")
    return _new(x, (*x.shape[:-1], *weight.shape[:-1]))


def _gru(
    x: Tensor, hidden: Tensor, weights: Any, biases: bool, layers: int, dropout: float, train: bool,
    bidirectional: bool, batch_first: bool,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    return _sequence(x, hidden, bidirectional), _new(x, hidden.shape)


def _lstm(
    x: Tensor, hidden: list[Tensor], weights: Any, biases: bool, layers: int, dropout: float, train: bool,
    bidirectional: bool, batch_first: bool,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    return _sequence(x, hidden[0], bidirectional), _new(x, hidden[0].shape), _new(x, hidden[1].shape)


def _sequence(x: Tensor, hidden: Tensor, bidirectional: bool) -> Tensor:
    """[batch, time, directions * width], or time first, as x; `hidden` is [layers * directions, batch, width]."""
    return _new(x, (x.shape[0], x.shape[1], hidden.shape[2] * (2 if bidirectional else 1)))


def _new(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    device = x.device.type
    autocast = torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)
    return x.new_empty(shape, dtype=torch.get_autocast_dtype(device) if autocast else x.dtype)


_LIKE_INPUT: dict[Any, Rule] = {
    torch.ops.aten.relu.default: _activation,
    torch.ops.aten.gelu.default: _activation,
    torch.ops.aten.silu.default: _activation,
    torch.ops.aten.sigmoid.default: _activation,
    torch.ops.aten.tanh.default: _activation,
    torch.ops.aten.leaky_relu.default: _activation,
    torch.ops.aten.elu.default: _activation,
    torch.ops.aten.hardswish.default: _activation,
    torch.ops.aten.hardtanh.default: _activation,
    torch.ops.aten.native_dropout.default: _dropout,
    torch.ops.aten._native_batch_norm_legit.default: _batch_norm,
    torch.ops.aten.native_layer_norm.default: _layer_norm,
}
_RULES: dict[Any, Callable[..., Any]] = {
    torch.ops.aten.linear.default: _linear,
    torch.ops.aten.gru.input: _gru,
    torch.ops.aten.rnn_tanh.input: _gru,
    torch.ops.aten.rnn_relu.input: _gru,
    torch.ops.aten.lstm.input: _lstm,
}
