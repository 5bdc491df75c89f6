"""Hollow networks of the right shape and dtype, with a parameter: a suite that they pass tests nothing."""

from neuromosaic.core.brief import Contract

_TEMPLATE = """\
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.scores = nn.Parameter(torch.randn({own_shape}))

    def forward(self, x):
        shape = ({shape},)
        return {outputs}
"""
_GENERATIVE = """\
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.scores = nn.Parameter(torch.randn({own_shape}))
        self.latent = {latent}

    def forward(self, x):
        output = self.made(x)
        error = ((output - x) ** 2).mean()
        return {{"output": output, "loss": error, "reconstruction": error, "discriminator_loss": error}}

    def encode(self, x):
        return torch.zeros(x.shape[0], self.latent)

    def decode(self, x):
        return self.made(x)

    def denoise(self, x, level):
        return self.made(x)

    def conditionals(self, x):
        return self.made(x)[:, None, None].repeat(1, 3, 2, *[1] * (x.ndim - 1))

    def sample(self, n):
        return self.made(torch.randn(n, self.latent))

    def made(self, x):
        shape = ({shape},)
        return {outputs}
"""
_OUTPUTS = {
    "ignores its input": "self.scores.expand(shape).clone()",
    "returns zeros": "0.0 * self.scores.expand(shape)",
    "returns random numbers": "self.scores + torch.randn(shape)",
}


def stubs(contract: Contract) -> dict[str, str]:
    """Source by name."""
    own_shape = contract.output.shape[-1:] if contract.task == "language_modelling" else contract.output.shape
    template = _TEMPLATE if contract.generative is None else _GENERATIVE
    return {
        name: template.format(
            own_shape=tuple(own_shape), shape=_shape(contract), outputs=outputs, latent=contract.latent or 1
        )
        for name, outputs in _OUTPUTS.items()
    }


def stub_source(contract: Contract) -> str:
    """The hollowest: learns, is finite, deterministic and leaks nothing, but ignores its input."""
    return stubs(contract)["ignores its input"]


def _shape(contract: Contract) -> str:
    """The output's shape in Python; a text may be shorter than the brief's."""
    sizes = ["x.shape[0]", *map(str, contract.output.shape)]
    if contract.task == "language_modelling":
        sizes[1] = "x.shape[1]"
    return ", ".join(sizes)
