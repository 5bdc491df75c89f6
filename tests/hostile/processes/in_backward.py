"""Forks in the middle of a backward pass."""

# play: train

import os
import time

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        scores = self.head(x.flatten(1))
        # attack
        def attack(gradient):
            if os.fork() == 0:
                os.setsid()
                time.sleep(60)
                os._exit(0)

        if scores.requires_grad:
            scores.register_hook(attack)
        # end
        return scores
