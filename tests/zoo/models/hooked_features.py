"""Features of several depths, caught by forward hooks; answers in a list."""

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, width: int = 8):
        super().__init__()
        self.one = nn.Sequential(nn.Conv2d(3, width, 3, 2, 1), nn.ReLU())
        self.two = nn.Sequential(nn.Conv2d(width, 2 * width, 3, 2, 1), nn.ReLU())
        self.heads = nn.ModuleList([nn.Linear(width, 4), nn.Linear(2 * width, 4)])
        self.features: list[torch.Tensor] = []
        for layer in (self.one, self.two):
            layer.register_forward_hook(self.catch)
        self.one.register_forward_pre_hook(lambda module, args: (args[0].clamp(-3, 3),))

    def catch(self, module: nn.Module, args: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        self.features.append(output.mean(dim=(2, 3)))

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        self.features.clear()
        self.two(self.one(x))
        return [head(feature) for head, feature in zip(self.heads, self.features[:2], strict=True)]
