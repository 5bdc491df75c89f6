"""The weights that all networks of a space share, and modules that borrow from them."""

import random
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call

from neuromosaic.core.architecture.operation import Data
from neuromosaic.core.architecture.spec import ArchitectureSpec, Input, Layer
from neuromosaic.core.evaluation.sharing.parts import Part, parts_of

Shape = tuple[int, ...]
ELASTIC = 2
"""Axes of a weight, from the first, along which narrower layers take a part: outputs and inputs."""


class SharedWeights(nn.Module):
    """A tensor for each weight of each part, as large as the largest of the networks that were surveyed needs.

    Initial values are the operation's own, drawn from the seed and the part's key alone: what else is in the space
    does not change them. A weight larger than the survey saw, or of a part that it did not see, is shared by nobody.
    """

    def __init__(self, surveyed: Iterable[ArchitectureSpec], seed: int) -> None:
        super().__init__()
        self._seed = seed
        self._places: dict[str, int] = {}
        self._made: dict[tuple[Any, ...], nn.Module] = {}  # surveyed, not yet borrowed
        self._borrowed: dict[tuple[Any, ...], Borrowed] = {}
        self.tensors = nn.ParameterList(_enlarged(*one) for one in self._survey(surveyed))

    def borrow(self, part: Part) -> "Borrowed":
        """The module of a part; two that are equal in all are one."""
        known = _identity(part)
        if known not in self._borrowed:
            module = self._made.pop(known, None) or self._fresh(part)
            self._borrowed[known] = Borrowed(module, {
                name: self.tensors[self._places[slot]]
                for name, weight in module.named_parameters()
                if (slot := _slot(part, name, weight)) in self._places and self._holds(slot, weight)
            })  # fmt: skip
        return self._borrowed[known]

    def _holds(self, slot: str, weight: Tensor) -> bool:
        pairs = zip(weight.shape, self.tensors[self._places[slot]].shape, strict=True)
        return all(size <= most for size, most in pairs)

    def _survey(self, specs: Iterable[ArchitectureSpec]) -> list[tuple[Shape, Tensor, int]]:
        """Of each tensor its shape, an example with its initial values, and a seed for the rest of them."""
        found: dict[str, tuple[Shape, Tensor, int]] = {}
        for part in (part for spec in specs for part in parts_of(spec)):
            known = _identity(part)
            if known in self._made:
                continue
            module = self._made[known] = self._fresh(part)
            for name, weight in module.named_parameters():
                slot, value = _slot(part, name, weight), weight.detach()
                shape, example, seed = found.get(slot, (tuple(value.shape), value, self._number(slot)))
                larger = value if value.numel() > example.numel() else example
                found[slot] = tuple(map(max, shape, value.shape)), larger, seed
        self._places = {slot: number for number, slot in enumerate(found)}
        return list(found.values())

    def _fresh(self, part: Part) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._number(part.key))
            return one_layer(part.layer, part.inputs)

    def _number(self, purpose: str) -> int:
        return random.Random(f"{self._seed}/{purpose}").getrandbits(63)


class Borrowed:
    """A module whose weights are others': the very tensors, or the first rows and columns of larger ones."""

    def __init__(self, module: nn.Module, weights: dict[str, nn.Parameter]) -> None:
        self.module = module
        self._parts: dict[str, _Corner] = {}
        for name, own in list(module.named_parameters()):
            if name not in weights:
                continue
            if weights[name].shape == own.shape:
                _put(module, name, weights[name])
            else:
                own.requires_grad_(False)
                self._parts[name] = _Corner(weights[name], tuple(slice(size) for size in own.shape))

    def __call__(self, *inputs: Tensor) -> Tensor:
        if not self._parts:
            result: Tensor = self.module(*inputs)
            return result
        taken = {name: corner.whole[corner.slices] for name, corner in self._parts.items()}
        return functional_call(self.module, taken, inputs)  # type: ignore[no-any-return]


class _Corner(NamedTuple):
    whole: nn.Parameter
    slices: tuple[slice, ...]


def one_layer(layer: Layer, inputs: Sequence[Data]) -> nn.Module:
    """A network of this layer alone, for inputs of these shapes."""
    given = tuple(Input(f"x{number}", data.shape, data.classes) for number, data in enumerate(inputs))
    alone = Layer("layer", layer.type, layer.config)
    spec = ArchitectureSpec((alone,), tuple((each.name, alone.name) for each in given), given)
    module: nn.Module = spec.to_model()
    return module


def _identity(part: Part) -> tuple[Any, ...]:
    return part.key, tuple(sorted(part.layer.config.items())), part.inputs


def _slot(part: Part, name: str, weight: Tensor) -> str:
    """Weights that differ in more than their widths (a kernel's sides) are not shared."""
    return f"{part.key}|{name}|{weight.ndim}|{tuple(weight.shape[ELASTIC:])}"


def _enlarged(shape: Shape, example: Tensor, seed: int) -> nn.Parameter:
    """The example's values, and around them others of their mean and spread."""
    if tuple(example.shape) == shape:
        return nn.Parameter(example.clone())
    draw = torch.Generator().manual_seed(seed)
    spread = float(example.std(correction=0))
    values = torch.randn(shape, generator=draw) * spread + example.mean()
    values[tuple(slice(size) for size in example.shape)] = example
    return nn.Parameter(values)


def _put(module: nn.Module, name: str, weight: nn.Parameter) -> None:
    path, _, leaf = name.rpartition(".")
    setattr(module.get_submodule(path), leaf, weight)
