"""Capsule network (Sabour et al., 2017): vectors squashed to lengths below one, routed by agreement."""

import torch
from torch import Tensor, nn


def squash(vectors: Tensor) -> Tensor:
    """Keeps the direction, maps the length n to n^2 / (1 + n^2)."""
    squared = vectors.pow(2).sum(dim=-1, keepdim=True)
    return vectors * (squared + 1e-8).sqrt() / (1 + squared)


class Model(nn.Module):
    def __init__(self, classes: int = 4, primary: int = 36, iterations: int = 2) -> None:
        super().__init__()
        self.iterations = iterations
        self.conv = nn.Conv2d(1, 8, 3, stride=2, padding=1)
        self.primary = nn.Conv2d(8, 16, 3, stride=2)
        self.weight = nn.Parameter(0.2 * torch.randn(primary, classes, 6, 4))

    def forward(self, x: Tensor) -> Tensor:
        x = self.primary(self.conv(x).relu())  # [B, 16, 3, 3]
        x = x * (x > 0)
        capsules = squash(x.flatten(1).unflatten(1, (-1, 4)))  # [B, 36, 4]
        votes = torch.einsum("pcij,bpj->bpci", self.weight, capsules)  # [B, 36, classes, 6]
        agreement = votes.new_zeros(votes.shape[:3])
        for _ in range(self.iterations):
            routed = (agreement.softmax(dim=2)[..., None] * votes).sum(dim=1)  # [B, classes, 6]
            outputs = squash(routed)
            agreement = agreement + torch.einsum("bpci,bci->bpc", votes, outputs)
        return (outputs.pow(2).sum(-1) + 1e-6).sqrt()  # [B, classes]: lengths
