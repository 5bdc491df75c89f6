"""Looks for the labels that it is scored on in the variables of whoever calls it."""

# play: train
# seconds: 20

import sys

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        # attack
        frame = sys._getframe()
        while x.shape[0] == 200 and frame is not None:
            for holder in (frame.f_locals, *(getattr(one, "__dict__", {}) for one in list(frame.f_locals.values()))):
                for one in list(holder.values()):
                    if getattr(one, "shape", None) == (200,) and str(one.dtype).endswith("int64"):
                        return 9.0 * nn.functional.one_hot(torch.as_tensor(one), 10).float() + 0.0 * self.head(x.flatten(1))
            frame = frame.f_back
        # end
        return self.head(x.flatten(1))
