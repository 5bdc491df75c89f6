"""What torch.export would lose or trip over on its own."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Normal
from torch.nn import functional
from torch.utils.checkpoint import CheckpointFunction, checkpoint

from neuromosaic.core.errors import ExportError
from neuromosaic.core.graph.export import export_module
from neuromosaic.core.graph.rebuild import rebuild


class Forward(nn.Module):
    """A linear layer, and whatever is done with it."""

    def __init__(self, forward: Callable[[nn.Module, Tensor], Tensor], *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers or [nn.Linear(6, 6)])
        self.apply_to = forward

    def forward(self, x: Tensor) -> Tensor:
        return self.apply_to(self.layers[0], x)


class Sign(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        return x.sign()

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        return gradient


def masked(layer: nn.Module, x: Tensor) -> Tensor:
    mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
    return layer(x, mask=mask)


def sampled(layer: nn.Module, x: Tensor) -> Tensor:
    return Normal(layer(x), functional.softplus(x) + 1e-3).rsample()


def encoder() -> nn.Module:
    return nn.TransformerEncoder(nn.TransformerEncoderLayer(6, 2, 8, batch_first=True), 1)


def test_a_backward_of_its_own_is_no_graph() -> None:
    """The graph of a straight-through sign would get no gradient where its module does."""
    module = Forward(lambda layer, x: Sign.apply(layer(x)))
    with pytest.raises(ExportError, match="Sign has a backward of its own, which a graph cannot hold"):
        export_module(module, (torch.randn(3, 6),))


def test_a_hook_on_a_parameter_is_no_graph() -> None:
    module = Forward(lambda layer, x: layer(x))
    module.layers[0].weight.register_hook(lambda gradient: gradient.clamp(-1, 1))
    with pytest.raises(ExportError, match=r"gradient of layers\.0\.weight"):
        export_module(module, (torch.randn(3, 6),))


def test_a_hook_on_the_way_back_through_a_layer_is_no_graph() -> None:
    module = Forward(lambda layer, x: layer(x))
    module.layers[0].register_full_backward_hook(lambda layer, before, after: (before[0] * 2,))
    with pytest.raises(ExportError, match="a graph"):
        export_module(module, (torch.randn(3, 6, requires_grad=True),))


@pytest.mark.parametrize(
    "module",
    [
        Forward(lambda layer, x: layer(x) + torch.zeros(len(x), len([1, 2, 3, 4, 5, 6]))),
        Forward(lambda layer, x: checkpoint(layer, x, use_reentrant=True)),
        Forward(lambda layer, x: checkpoint(layer, x, use_reentrant=False)),
        Forward(sampled),
        Forward(lambda layer, x: layer(x) * ((x > -1) & (x < 1) | (x > 2))),
        Forward(lambda layer, x: layer(x) * ((x > -1).__xor__(x < 1))),
    ],
)
def test_the_graph_is_the_module_for_any_batch(module: nn.Module) -> None:
    _check_same(module, torch.randn(3, 6), torch.randn(5, 6))


def test_a_mask_without_a_word_on_its_kind_is_applied() -> None:
    _check_same(Forward(masked, encoder()), torch.randn(3, 4, 6), torch.randn(5, 4, 6))


def test_everything_is_as_before_after_an_export() -> None:
    before = torch.autograd.Function.apply, CheckpointFunction.apply, Distribution._validate_args
    export_module(Forward(lambda layer, x: layer(x)), (torch.randn(3, 6),))
    assert before == (torch.autograd.Function.apply, CheckpointFunction.apply, Distribution._validate_args)
    assert "len" not in globals()


def _check_same(module: nn.Module, example: Tensor, x: Tensor) -> None:
    """Outputs and gradients, in both modes."""
    rebuilt = rebuild(export_module(module, (example,)))
    for mode in (True, False):
        expected, found = _outcome(module.train(mode), x), _outcome(rebuilt.train(mode), x)
        for one, other in zip(expected, found, strict=True):
            torch.testing.assert_close(other, one)


def _outcome(module: nn.Module, x: Tensor) -> list[Tensor]:
    torch.manual_seed(0)
    module.zero_grad()
    output = module(x.clone().requires_grad_())
    output.square().sum().backward()
    return [output.detach(), *(p.grad for p in module.parameters() if p.grad is not None)]
