"""A rebuilt network whose training trace forgets its activations and computes them again for the backward pass."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx.passes.split_module import split_module
from torch.utils.checkpoint import checkpoint

from neuromosaic.core.graph.rebuild import Rebuilt

FEWEST = 4
"""Operations below which there is nothing to be saved."""


def forget_activations(module: nn.Module) -> bool:
    """From here on training keeps what passes between sqrt(n) segments of n operations, and the inside of one.

    Chen et al. (2016, arXiv:1604.06174, section 4.1): memory falls to about the square root for one more forward
    pass. Losses, gradients, buffers and random numbers stay the same to the last bit. False, and nothing is changed,
    where the network is no rebuilt graph or too short.
    """
    if not isinstance(module, Rebuilt) or "train" not in module.traces:
        return False
    trace = module.traces["train"]
    operations = [node for node in trace.run.graph.nodes if node.op == "call_function"]
    if len(operations) < FEWEST:
        return False
    size = math.ceil(len(operations) / math.isqrt(len(operations)))
    segment = {node.name: number // size for number, node in enumerate(operations)}
    split = split_module(trace.run, trace.run, lambda node: segment[node.name])
    for name, child in split.named_children():
        setattr(split, name, _Forgetful(child, module.buffers))
    module.traces["train"] = trace._replace(run=split)
    return True


class _Forgetful(nn.Module):
    """One segment. Computed again it finds the buffers as they were, and leaves them as they have become since: a
    norm's statistics must not see a batch twice."""

    def __init__(self, segment: nn.Module, buffers: Callable[[], Iterator[Tensor]]) -> None:
        super().__init__()
        self._segment, self._state = segment, buffers

    def forward(self, *inputs: Any) -> Any:
        if not torch.is_grad_enabled():
            return self._segment(*inputs)
        state = {id(buffer) for buffer in self._state()}
        own = {place: one for place, one in enumerate(inputs) if id(one) in state}
        before = [(buffer, buffer.clone()) for buffer in own.values()]

        def run(*others: Any) -> Any:
            rest = iter(others)
            return self._segment(*(own[place] if place in own else next(rest) for place in range(len(inputs))))

        others = [one for place, one in enumerate(inputs) if place not in own]
        return checkpoint(run, *others, use_reentrant=False, context_fn=lambda: (nullcontext(), _set_back(before)))


@contextmanager
def _set_back(before: list[tuple[Tensor, Tensor]]) -> Iterator[None]:
    """By `data`, so that autograd takes no notice."""
    now = [(buffer, buffer.clone()) for buffer, _ in before]
    try:
        for buffer, value in before:
            buffer.data.copy_(value)
        yield
    finally:
        for buffer, value in now:
            buffer.data.copy_(value)
