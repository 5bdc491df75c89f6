"""Norms, activations, regularisation, and layers that do nothing."""

import math

from neuromosaic.core.architecture.calls import Plan, module
from neuromosaic.core.architecture.operation import Count, Data, Share, Step, add, from_function, operation
from neuromosaic.core.architecture.operations.naming import ACTIVATIONS
from neuromosaic.core.errors import ArchitectureError

ANY = "vector|sequence|image"


@operation(ANY)
def skip(x: Data) -> Plan:
    """The input, unchanged."""
    return module("nn.Identity")


@operation(ANY)
def zero(x: Data, stride: Step = 1) -> Plan:
    """Zeros in the input's shape; every `stride`-th pixel of an image."""
    part = f"[:, :, ::{stride}, ::{stride}]" if len(x.shape) == 3 and stride > 1 else ""
    return Plan(f"torch.zeros_like({{0}}{part})", ())


@operation(ANY)
def flatten(x: Data) -> Plan:
    """All numbers as one vector."""
    return module("nn.Flatten")


@operation("vector|image")
def batch_norm(x: Data) -> Plan:
    """Each channel to mean 0 and variance 1 over the batch; scale 1 and shift 0 at the start."""
    return module("nn.BatchNorm2d" if len(x.shape) == 3 else "nn.BatchNorm1d", x.width)


@operation(ANY)
def layer_norm(x: Data) -> Plan:
    """Each example (a step of it, in a sequence) to mean 0 and variance 1; an image over all of its channels."""
    _several(x, 1)
    return module("nn.GroupNorm", 1, x.width) if len(x.shape) == 3 else module("nn.LayerNorm", x.width)


@operation("vector|image")
def group_norm(x: Data, groups: Count = 8) -> Plan:
    """Each group of channels to mean 0 and variance 1; their number is a multiple of `groups`."""
    _several(x, groups)
    return module("nn.GroupNorm", groups, x.width)


@operation("vector|sequence")
def rms_norm(x: Data) -> Plan:
    """Divides by the root of the mean square; scale 1 at the start (Zhang & Sennrich, 2019)."""
    return module("nn.RMSNorm", x.width)


@operation(ANY)
def dropout(x: Data, p: Share = 0.1) -> Plan:
    """In training, zeroes each number with probability p and scales the others up."""
    return module("nn.Dropout", float(p))


@operation(ANY)
def stochastic_depth(x: Data, p: Share = 0.1) -> Plan:
    """In training, drops whole examples with probability p (Huang et al., 2016)."""
    return module("StochasticDepth", float(p))


def _several(x: Data, groups: int) -> None:
    if len(x.shape) != 2 and math.prod(x.shape) <= groups:
        raise ArchitectureError(f"a norm over single numbers of {list(x.shape)} says nothing: take fewer groups")


def _activation(word: str) -> None:
    def plan(x: Data) -> Plan:
        return module(ACTIVATIONS[word])

    plan.__doc__ = f"PyTorch's {ACTIVATIONS[word]}, on each number."
    add(from_function(word, (ANY,), plan))


for _word in ACTIVATIONS:
    _activation(_word)
