"""Looks for the labels that it is scored on among all tensors and arrays that there are."""

# play: train
# seconds: 20

import gc

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        # attack
        if x.shape[0] == 200:
            for one in gc.get_objects():
                if getattr(one, "shape", None) == (200,) and str(one.dtype).endswith("int64"):
                    return 9.0 * nn.functional.one_hot(torch.as_tensor(one), 10).float() + 0.0 * self.head(x.flatten(1))
        # end
        return self.head(x.flatten(1))
