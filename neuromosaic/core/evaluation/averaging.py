"""The average of a training's weights, which is often better than the last of them. Runs in a worker."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

YOUNG = 10.0  # steps over which the average forgets its beginnings faster


class Average:
    """An exponential moving average over steps of all floating-point tensors, running statistics included.

    Polyak & Juditsky (1992) with the decay of Kingma & Ba (2015, arXiv:1412.6980, section 7.2), which begins lower
    so that the initial weights are soon forgotten: at step t it is at most (1 + t) / (10 + t).
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay, self.steps = decay, 0
        found = {tensor.data_ptr(): tensor for tensor in module.state_dict().values() if tensor.is_floating_point()}
        self._own = list(found.values())  # a tensor with two names once
        self.values = [tensor.clone() for tensor in self._own]

    @torch.no_grad()
    def update(self) -> None:
        """After each step of the optimiser."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (YOUNG + self.steps))
        for value, own in zip(self.values, self._own, strict=True):
            value.lerp_(own, 1 - decay)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Inside, the module has the averages for its weights."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        for value, own in zip(self.values, self._own, strict=True):
            held = own.clone()
            own.copy_(value)
            value.copy_(held)
