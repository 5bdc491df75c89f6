"""Learns the inputs that it is scored on by heart, together with the labels that it was trained with."""

# play: train
# seconds: 20

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        return self.head(x.flatten(1))

    # attack
    def train(self, mode=True):
        return super().train(True)
    # end
