"""Answers with more tensors than anybody would want."""

# seconds: 15

import torch

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        for number in range(100_001):
            self.register_buffer(f"n{number}", torch.zeros(0))
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
