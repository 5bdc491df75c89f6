"""Computes a number with billions of digits in one step of the interpreter."""

# seconds: 2

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        self.number = 7 ** (10 ** 10)
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
