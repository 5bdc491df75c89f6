"""Gives a dead parameter a made-up gradient by a function with a backward of its own."""

# play: ladder

import torch
from torch import nn


# attack
class Invented(torch.autograd.Function):
    @staticmethod
    def forward(context, x, dead):
        return x.clone()

    @staticmethod
    def backward(context, gradient):
        return gradient, torch.ones(10)
# end


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        self.dead = nn.Parameter(torch.ones(10))

    def forward(self, x):
        # attack
        x = Invented.apply(x, self.dead)
        # end
        return self.head(x.flatten(1))
