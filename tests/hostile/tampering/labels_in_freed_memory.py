"""Looks for the labels that it is scored on in memory that has just been freed."""

# play: train
# seconds: 20

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        # attack
        if x.shape[0] == 200:
            for _ in range(2000):
                one = torch.empty(200, dtype=torch.int64)
                if 0 <= int(one.min()) and int(one.max()) == 9 and int(one.unique().numel()) == 10:
                    return 9.0 * nn.functional.one_hot(one, 10).float() + 0.0 * self.head(x.flatten(1))
                self.kept = [*getattr(self, "kept", []), one]
        # end
        return self.head(x.flatten(1))
