"""Computes without an end in a backward pass."""

# play: train
# seconds: 4

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        scores = self.head(x.flatten(1))
        # attack
        def attack(gradient):
            while True:
                pass

        if scores.requires_grad:
            scores.register_hook(attack)
        # end
        return scores
