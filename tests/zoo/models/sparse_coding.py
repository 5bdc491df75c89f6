"""LISTA (Gregor and LeCun, 2010): a few steps of a shrinkage algorithm with learnt matrices. Makes its own inputs."""

import torch
from torch import Tensor, nn
from torch.nn.functional import softshrink


def shrink(x: Tensor, threshold: Tensor) -> Tensor:
    return x.sign() * (x.abs() - threshold).relu()


class Model(nn.Module):
    def __init__(self, signal: int, atoms: int, steps: int = 3) -> None:
        super().__init__()
        self.steps = steps
        self.dictionary = nn.Linear(atoms, signal, bias=False)
        self.encode = nn.Linear(signal, atoms, bias=False)
        self.inhibit = nn.Linear(atoms, atoms, bias=False)
        self.threshold = nn.Parameter(torch.full((atoms,), 0.05))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        drive = self.encode(x)
        code = softshrink(drive, 0.01)
        for _ in range(self.steps):
            code = shrink(drive + self.inhibit(code), self.threshold)
        return {"code": code, "signal": self.dictionary(code)}


def get_inputs() -> list[Tensor]:
    return [torch.randn(6, 12)]


def get_init_inputs() -> list[int]:
    return [12, 24]
