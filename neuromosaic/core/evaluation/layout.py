"""In which order images lie in memory while a network trains on them. Runs in a worker."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

Arrange = Callable[[Tensor], Tensor]
EXAMPLES = 2
IMAGES = 4
"""Axes of a batch of images, and of the weights that run over images."""


def arrangement(module: nn.Module, x: Tensor) -> Arrange:
    """What puts a batch like `x` [n, ...] into the order that `module` trains fastest on; values stay as they are.

    Images for a network that convolves them on a CPU go channels last, where oneDNN's convolutions, norms and pooling
    take about two thirds of the time (`benchmarks/evaluation.py loop`); all else stays as it is: what flattens images
    at once takes a seventh longer on that order. Forward is tried on two examples in both modes
    first: code that calls `view` on what a convolution returned takes one order alone. Buffers are left as they
    were; random numbers are drawn where the network draws them.
    """
    if x.ndim != IMAGES or x.device.type != "cpu" or not x.is_floating_point() or not _convolves(module):
        return as_it_is
    return _channels_last if _takes(module, _channels_last(x[:EXAMPLES])) else as_it_is


def _convolves(module: nn.Module) -> bool:
    return any(weight.ndim == IMAGES for weight in module.parameters())


def _channels_last(x: Tensor) -> Tensor:
    """By `to`, which also rewrites the strides of a single channel: kernels choose by them."""
    return x.to(memory_format=torch.channels_last)


def as_it_is(x: Tensor) -> Tensor:
    """No other order."""
    return x


def _takes(module: nn.Module, x: Tensor) -> bool:
    with torch.no_grad(), put_back(module):
        try:
            for mode in (True, False):
                module.train(mode)(x)
        except RuntimeError:
            return False
    return True


@contextmanager
def put_back(module: nn.Module) -> Iterator[None]:
    """Mode and buffers, once this is over."""
    training, before = module.training, [(buffer, buffer.clone()) for buffer in module.buffers()]
    try:
        yield
    finally:
        module.train(training)
        for buffer, value in before:
            buffer.copy_(value)
