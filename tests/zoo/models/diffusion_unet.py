"""Noise predictor of a diffusion model (Ho et al., 2020): an image and the time step."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


def sinusoids(time: Tensor, width: int) -> Tensor:
    """[B, 1] -> [B, width]"""
    rates = torch.exp(torch.arange(width // 2, device=time.device) * (-math.log(1000.0) / (width // 2 - 1)))
    angles = time * rates
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


class Residual(nn.Module):
    def __init__(self, inputs: int, outputs: int, time: int) -> None:
        super().__init__()
        self.one = nn.Sequential(nn.GroupNorm(2, inputs), nn.SiLU(), nn.Conv2d(inputs, outputs, 3, padding=1))
        self.time = nn.Linear(time, 2 * outputs)
        self.norm = nn.GroupNorm(2, outputs)
        self.two = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.project = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        nn.init.zeros_(self.two.weight)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        scale, shift = self.time(time)[:, :, None, None].chunk(2, dim=1)
        y = self.norm(self.one(x)) * (1 + scale) + shift
        return self.project(x) + self.two(functional.silu(y))


class Model(nn.Module):
    def __init__(self, width: int = 8, time: int = 16) -> None:
        super().__init__()
        self.time_width = time
        self.embed_time = nn.Sequential(nn.Linear(time, time), nn.SiLU())
        self.stem = nn.Conv2d(1, width, 3, padding=1)
        self.down = nn.ModuleList([Residual(width, width, time), Residual(width, 2 * width, time)])
        self.middle = Residual(2 * width, 2 * width, time)
        self.up = nn.ModuleList([Residual(4 * width, width, time), Residual(2 * width, width, time)])
        self.out = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, x: Tensor, time: Tensor) -> Tensor:
        embedded = self.embed_time(sinusoids(time, self.time_width))
        x, skips = self.stem(x), []
        for block in self.down:
            x = block(x, embedded)
            skips.append(x)
            x = functional.avg_pool2d(x, 2)
        x = self.middle(x, embedded)
        for block in self.up:
            x = functional.interpolate(x, scale_factor=2.0)
            x = block(torch.cat([x, skips.pop()], dim=1), embedded)
        return self.out(x)
