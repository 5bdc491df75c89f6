"""SIREN (Sitzmann et al., 2020): sines as activations, from coordinates to colours."""

import math

import torch
from torch import nn


class Sine(nn.Module):
    def __init__(self, fan_in, fan_out, w0=1.0, first=False):
        super().__init__()
        self.w0 = w0
        self.linear = nn.Linear(fan_in, fan_out)
        bound = 1 / fan_in if first else math.sqrt(6 / fan_in) / w0
        nn.init.uniform_(self.linear.weight, -bound, bound)

    def forward(self, x):
        return torch.sin(self.w0 * self.linear(x))


class Model(nn.Module):
    def __init__(self, coordinates=2, hidden=24, colours=3):
        super().__init__()
        self.net = nn.Sequential(
            Sine(coordinates, hidden, 10.0, first=True), Sine(hidden, hidden, 10.0), nn.Linear(hidden, colours)
        )

    def forward(self, xy):
        return self.net(xy)
