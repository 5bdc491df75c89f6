"""What is found of a generative network's methods before it is trained."""

import re
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from neuromosaic.core.brief import TensorSpec
from neuromosaic.core.signature import Signature
from neuromosaic.core.workers.generating import generative_faults, methods

SIGNATURE = Signature(
    inputs=(TensorSpec(shape=(6,)),), task="generation", loss="own", latent=2, generative="autoencoder"
)


class Halves(nn.Module):
    """Codes are the first numbers; `size` of them."""

    def __init__(self, size: int = 2) -> None:
        super().__init__()
        self.size = size

    def encode(self, x: Tensor) -> Tensor:
        return x[:, : self.size]

    def decode(self, codes: Tensor) -> Any:
        return codes.repeat(1, 3)


class Broken(Halves):
    def decode(self, codes: Tensor) -> Any:
        raise RuntimeError("out of ideas")


class Talkative(Halves):
    def decode(self, codes: Tensor) -> Any:
        return {"image": codes}


def found(module: nn.Module, device: str = "cpu") -> list[str]:
    return [fault.code for fault in generative_faults(module, (torch.zeros(3, 6, device=device),), SIGNATURE)]


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_codes_and_examples_of_the_right_size_are_sound(device: str) -> None:
    assert found(Halves(), device) == []


@pytest.mark.parametrize(
    ("module", "codes"),
    [
        (nn.Identity(), ["no-encode", "no-decode"]),
        (Halves(3), ["encode-shape"]),
        (Broken(), ["decode-raised"]),
        (Talkative(), ["decode-shape"]),
    ],
)
def test_each_fault_is_named(module: nn.Module, codes: list[str]) -> None:
    assert found(module) == codes


def test_other_tasks_need_no_codes() -> None:
    other = SIGNATURE.model_copy(update={"latent": None, "generative": None})
    assert list(generative_faults(nn.Identity(), (torch.zeros(3, 6),), other)) == []
    assert methods(Halves(), (torch.zeros(3, 6),), other) == {}


def test_the_methods_that_a_network_has_are_traced() -> None:
    given = methods(Halves(), (torch.zeros(3, 6),), SIGNATURE)
    assert {name: tuple(example.shape) for name, (example,) in given.items()} == {"encode": (3, 6), "decode": (3, 2)}
    assert methods(nn.Identity(), (torch.zeros(3, 6),), SIGNATURE) == {}


# ---------------------------------------------------------------- one value after another

IN_TURN = SIGNATURE.model_copy(update={"latent": None, "generative": "autoregressive"})


class Running(nn.Module):
    """The mean of each value is the sum of those before it, or from `ahead` further."""

    def __init__(self, ahead: int = 0, sizes: tuple[int, ...] = (3, 2)) -> None:
        super().__init__()
        self.ahead, self.sizes = ahead, sizes

    def conditionals(self, x: Tensor) -> Any:
        means = x.cumsum(1).roll(1 - self.ahead, 1)
        means = torch.cat([torch.zeros_like(means[:, :1]), means[:, 1:]], 1)
        return means[:, None, None].repeat(1, *self.sizes, 1)


class Normed(Running):
    def conditionals(self, x: Tensor) -> Any:
        return super().conditionals(nn.functional.layer_norm(x, x.shape[1:]))


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_a_network_that_looks_back_alone_is_sound(device: str) -> None:
    x = torch.randn(3, 6, device=device)
    assert list(generative_faults(Running(), (x,), IN_TURN)) == []


@pytest.mark.parametrize(
    ("module", "code", "words"),
    [
        (Running(ahead=1), "not-causal", r"the value at \[1\] change with what comes at \[1\] or later"),
        (Running(ahead=2), "not-causal", r"the value at \[1\] change with what comes at \[2\] or later"),
        (Normed(), "not-causal", r"norm over no pixels"),
        (Running(sizes=(2, 2)), "conditionals-shape", r"gives \[3, 2, 2, 6\], not float32 \[3, 3, components, 6\]"),
        (nn.Identity(), "no-conditionals", "needs conditionals and sample"),
    ],
)
def test_who_looks_ahead_is_named(module: nn.Module, code: str, words: str) -> None:
    draw = torch.Generator().manual_seed(0)
    (fault,) = generative_faults(module, (torch.randn(3, 6, generator=draw),), IN_TURN)
    assert fault.code == code
    assert re.search(words, fault.message)
