"""Answers with a tensor that is larger than its memory."""

# seconds: 8

import torch

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        self.register_buffer("large", torch.zeros(1).expand(10 ** 12))
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
