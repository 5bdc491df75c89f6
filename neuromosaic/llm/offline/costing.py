"""What a network of a family costs, before any is built for real.

Counted, not guessed: the module itself is built, and run on PyTorch's meta device, which holds shapes and no
numbers. At three widths only: parameters and FLOPs are quadratic in the width of a network.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from neuromosaic.core.brief import Contract
from neuromosaic.core.space.parameters import Point, Scalar
from neuromosaic.llm.offline.catalogue import family_named
from neuromosaic.llm.offline.family import Family
from neuromosaic.llm.offline.writing import adapted, write_source

if TYPE_CHECKING:
    import torch
    from torch import nn

WITHOUT_SIZE = frozenset({"dropout", "spread", "activation", "beta"})
"""Arguments that change no shape."""

SHORT = 8
"""Steps on which a recurrent network is counted: its cost is linear in time, its unrolling is slow."""

Items = tuple[tuple[str, Scalar], ...]


@dataclass(frozen=True)
class Cost:
    """What a network costs, or may cost.

    `parameters`; `flops` of one forward pass of one example; `calls` of layers in such a pass.
    """

    parameters: float = math.inf
    flops: float = math.inf
    calls: float = math.inf

    def within(self, limit: "Cost") -> bool:
        return self.parameters <= limit.parameters and self.flops <= limit.flops and self.calls <= limit.calls

    def capped(self, other: "Cost") -> "Cost":
        """The tighter of the two in each respect."""
        return Cost(
            min(self.parameters, other.parameters), min(self.flops, other.flops), min(self.calls, other.calls)
        )

    def times(self, factor: float) -> "Cost":
        return Cost(self.parameters * factor, self.flops * factor, self.calls * factor)


def within(family: Family, contract: Contract, point: Point, limit: Cost) -> bool:
    """Whether the network keeps the limit; counts only what is limited."""
    width, rest = int(point["width"]), _shaping(point)
    return (
        _parameters_by_width(family.name, contract, rest)(width) <= limit.parameters
        and (math.isinf(limit.calls) or calls(family, contract, point) <= limit.calls)
        and (math.isinf(limit.flops) or _flops_by_width(family.name, contract, rest)(width) <= limit.flops)
    )


def parameters(family: Family, contract: Contract, point: Point) -> int:
    """Trainable parameters, counted on the module itself."""
    return _count(_build(family.name, contract, _shaping(point), int(point["width"])))


def flops(family: Family, contract: Contract, point: Point) -> float:
    """FLOPs of one forward pass of one example."""
    return _flops_by_width(family.name, contract, _shaping(point))(int(point["width"]))


@cache
def _parameters_by_width(name: str, contract: Contract, rest: Items) -> Callable[[int], float]:
    return _quadratic(name, lambda width: _count(_build(name, contract, rest, width)))


@cache
def _flops_by_width(name: str, contract: Contract, rest: Items) -> Callable[[int], float]:
    return _quadratic(name, lambda width: _run(name, contract, _build(name, contract, rest, width)))


def calls(family: Family, contract: Contract, point: Point) -> float:
    """Layers that one forward pass runs through; a recurrent layer counts once for each step."""
    return _calls(family.name, contract, _shaping(point))


@cache
def _calls(name: str, contract: Contract, rest: Items) -> float:
    modules = _build(name, contract, rest, _family(name).width.least).modules()
    return sum(_weight(module, contract) for module in modules if not list(module.children()))


def _weight(module: "nn.Module", contract: Contract) -> float:
    from torch import nn

    if isinstance(module, (nn.GRU, nn.LSTM)):
        return contract.input.shape[0]
    return 0 if isinstance(module, (nn.Identity, nn.Dropout)) else 1


def _quadratic(name: str, value: Callable[[int], float]) -> Callable[[int], float]:
    """The polynomial through three widths, by Newton's divided differences."""
    usual = _family(name).width.usual
    a, b, c = usual, 2 * usual, 4 * usual
    at_a, at_b, at_c = value(a), value(b), value(c)
    slope = (at_b - at_a) / (b - a)
    bend = ((at_c - at_b) / (c - b) - slope) / (c - a)
    return lambda width: at_a + (width - a) * (slope + (width - b) * bend)


def _shaping(point: Point) -> Items:
    return tuple(sorted((name, value) for name, value in point.items() if name not in WITHOUT_SIZE | {"width"}))


def _family(name: str) -> Family:
    family = family_named(name)
    if family is None:
        raise KeyError(name)
    return family


def _build(name: str, contract: Contract, rest: Items, width: int) -> "nn.Module":
    import torch

    # initial weights are drawn, for that is quicker than not to, but from nobody's numbers; orthogonal ones are not
    device = "meta" if _family(name).recurrent else "cpu"
    with torch.random.fork_rng(devices=[]), torch.device(device):
        return _class(name, contract)(width=width, **dict(rest))


@cache
def _class(name: str, contract: Contract) -> Callable[..., "nn.Module"]:
    """The family's class itself. What runs here is this package's own template, never anything proposed."""
    family = adapted(_family(name), contract)
    defaults: Point = {**family.values, "width": family.width.least, "depth": family.depth.least}
    namespace: dict[str, Any] = {"__name__": family.template}
    exec(compile(write_source(family, contract, defaults), f"<{family.template}>", "exec"), namespace)  # noqa: S102
    built: Callable[..., nn.Module] = namespace["Model"]
    return built


def _count(module: "nn.Module") -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _run(name: str, contract: Contract, module: "nn.Module") -> float:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    example, share = _example(contract, short=_family(name).recurrent)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module.eval().to("meta")(example)
    return float(counter.get_total_flops()) * share


def _example(contract: Contract, short: bool) -> "tuple[torch.Tensor, float]":
    """One input on the meta device, and how much longer the real one is."""
    import torch

    shape = contract.input.shape
    steps = min(shape[0], SHORT) if short else shape[0]
    dtype = getattr(torch, contract.input.dtype)
    return torch.zeros((1, steps, *shape[1:]), dtype=dtype, device="meta"), shape[0] / steps
