"""Tells torch.export the shapes that some layers give, so that it need not work them out.

For a recurrent layer it would run a decomposition step by step along time: six seconds for fifty steps of an LSTM,
for a graph that holds the whole layer as one node in the end. For a linear layer on more than two axes it would go
through the rules of a general matrix product, a third of the time that a Transformer takes.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch._C import DispatchKey

_KEYS = (DispatchKey.CompositeImplicitAutograd, DispatchKey.Autograd)


@contextmanager
def quick_shapes() -> Iterator[None]:
    """Replaces PyTorch's Python rules for these operations, and puts them back."""
    kept = {operation: dict(operation.py_kernels) for operation in _RULES}
    try:
        for operation, rule in _RULES.items():
            _use(operation, {**kept[operation], **dict.fromkeys(_KEYS, rule)})
        yield
    finally:
        for operation, kernels in kept.items():
            _use(operation, kernels)


def _use(operation: Any, kernels: dict[DispatchKey, Callable[..., Any]]) -> None:
    operation.py_kernels.clear()
    operation.py_kernels.update(kernels)
    operation._dispatch_cache.clear()


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


_RULES: dict[Any, Callable[..., Any]] = {
    torch.ops.aten.linear.default: _linear,
    torch.ops.aten.gru.input: _gru,
    torch.ops.aten.rnn_tanh.input: _gru,
    torch.ops.aten.rnn_relu.input: _gru,
    torch.ops.aten.lstm.input: _lstm,
}
