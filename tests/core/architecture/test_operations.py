# ruff: noqa: E501  (one case a line reads best)
"""Each operation by itself: its counts, its source, its start, and a user's own."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn

from neuromosaic.core.architecture import operation
from neuromosaic.core.architecture.operation import RANKS, operations
from neuromosaic.core.architecture.registration import register_operation
from neuromosaic.core.architecture.spec import ArchitectureSpec, Input, Layer
from neuromosaic.core.errors import ArchitectureError
from neuromosaic.core.evaluation import measuring
from tests.core.architecture.random_specs import random_config

SHAPES = {"vector": (16,), "sequence": (8, 16), "image": (16, 8, 8), "tokens": (8,)}
DEPTH = 20
DEEP = {
    "linear": ({"features": 256}, "vector"), "linear relu": ({"features": 256}, "vector"),
    "conv": ({"channels": 32}, "image"), "conv relu": ({"channels": 32}, "image"), "conv silu": ({"channels": 32}, "image"),
    "conv_block": ({"channels": 32}, "image"), "separable_conv": ({"channels": 32}, "image"),
    "inverted_residual": ({"channels": 32}, "image"), "residual_block": ({"channels": 32}, "image"),
    "residual_mlp": ({}, "vector"), "highway": ({}, "vector"), "transformer_block": ({}, "sequence"),
    "gru": ({"width": 32}, "sequence"), "lstm": ({"width": 32}, "sequence"), "tcn_block": ({"width": 32}, "sequence"),
    "double_conv": ({"channels": 32}, "image"),
}  # fmt: skip
LARGE = {"vector": (256,), "sequence": (8, 32), "image": (32, 8, 8)}
OURS = sorted(operations())


def alone(name: str, config: dict[str, Any]) -> ArchitectureSpec:
    """The operation between inputs of fitting shapes and an output."""
    takes = operations()[name].takes
    kinds = ["image", "image"] if takes == ("*",) else [kinds.split("|")[-1] for kinds in takes]
    inputs = [Input(f"x{n}", SHAPES[kind], 20 if kind == "tokens" else None) for n, kind in enumerate(kinds)]
    if name.startswith("graph_"):
        inputs[1] = Input("x1", (8, 8))
    if name == "unet_up":
        inputs[1] = Input("x1", (8, 16, 16))
    pairs = tuple((x.name, "layer") for x in inputs)
    return ArchitectureSpec((Layer("layer", name, config),), pairs, tuple(inputs))


@pytest.mark.parametrize("name", OURS)
def test_counts_are_pytorchs_and_gradients_arrive(name: str) -> None:
    draw = random.Random(name)
    tried = 0
    while tried < 5:
        try:
            spec = alone(name, random_config(draw, operations()[name]))
        except ArchitectureError:
            continue
        tried += 1
        model = spec.to_model()
        given = tuple(torch.randint(0, 20, (2, 8)) if x.classes else torch.rand(2, *x.shape) for x in spec.inputs)
        one = tuple(x[:1] for x in given)
        assert measuring.parameters(model) == spec.infer().parameters
        assert measuring.flops(model, one) == spec.infer().flops
        found = model(*given)
        assert tuple(found.shape[1:]) == spec.infer().outputs[0]
        assert found.isfinite().all()
        if list(model.parameters()):
            found.square().sum().backward()
            assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_every_operation_says_what_it_does_and_has_bounds() -> None:
    for found in operations().values():
        assert found.description.endswith(".")
        assert all(kind in RANKS for kinds in found.takes if kinds != "*" for kind in kinds.split("|"))
        assert all(f.range or f.choices or f.type is bool for f in found.fields.values())


@pytest.mark.parametrize("name", DEEP)
def test_the_signal_keeps_its_scale_through_twenty_layers(name: str) -> None:
    (config, kind), words = DEEP[name], name.split()
    layers = [(words[0], config), *((word, {}) for word in words[1:])] * (
        3 if kind_of_recurrence(words[0]) else DEPTH
    )
    model = ArchitectureSpec.chain(LARGE[kind], *layers).to_model()
    torch.manual_seed(0)
    given = torch.randn(8, *LARGE[kind], requires_grad=True)
    found = model(given)
    (found * torch.randn_like(found)).sum().backward()
    assert given.grad is not None
    assert 0.01 < found.std() / given.std() < 100
    assert 0.001 < given.grad.std() < 1000


def kind_of_recurrence(name: str) -> bool:
    """Gates below 1 shrink what passes; nobody stacks twenty of these without a way around."""
    return name in ("gru", "lstm")


# ---------------------------------------------------------------- a user's own


class Doubled(nn.Module):
    """Two times a convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * self.conv(x)  # type: ignore[no-any-return]


class MyDoubled:
    """Twice what a 1x1 convolution gives."""

    def __init__(self, off: int = 0) -> None:
        self.off = off

    def to_layer_config(self, in_channels: int, out_channels: int) -> dict[str, Any]:
        return {"module": Doubled, "arguments": {"inputs": in_channels, "outputs": out_channels}}

    def get_parameter_count(self, in_channels: int, out_channels: int) -> int:
        return in_channels * out_channels + out_channels + self.off


class MyPointwise:
    def to_layer_config(self, in_channels: int, out_channels: int) -> dict[str, Any]:
        return {"type": "conv", "config": {"channels": out_channels, "kernel": 1}}

    def get_parameter_count(self, in_channels: int, out_channels: int) -> int:
        return in_channels * out_channels + out_channels


@pytest.fixture
def forgotten() -> Iterator[None]:
    yield
    for name in [name for name in operations() if name not in OURS]:
        operation.remove(name)


@pytest.mark.usefixtures("forgotten")
@pytest.mark.parametrize("own", [MyDoubled(), MyPointwise()])
def test_a_users_operation_is_inferred_built_and_emitted(own: Any) -> None:
    register_operation("my_layer", own)
    spec = ArchitectureSpec.chain((3, 8, 8), ("my_layer", {"channels": 5}), ("relu", {}))
    assert spec.infer().parameters == own.get_parameter_count(3, 5) == measuring.parameters(spec.to_model())
    assert ("class Doubled(nn.Module)" in spec.to_source()) == isinstance(own, MyDoubled)


@pytest.mark.usefixtures("forgotten")
@pytest.mark.parametrize(
    ("name", "own", "words"),
    [
        ("my_layer", MyDoubled(off=1), "my_layer.get_parameter_count(8, 16) says 145, but the layer has 144"),
        ("conv", MyDoubled(), "there is an operation 'conv' already"),
        ("my layer", MyDoubled(), "an operation's name is letters, digits and underscores"),
    ],
)
def test_a_faulty_operation_is_refused_at_once(name: str, own: Any, words: str) -> None:
    with pytest.raises(ArchitectureError) as caught:
        register_operation(name, own)
    assert str(caught.value).startswith(words)
    assert sorted(operations()) == OURS
