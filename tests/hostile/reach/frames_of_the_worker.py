"""Walks up the stack to the worker's own frames, takes its folder from them and reads the candidate next door."""

import sys

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        # attack
        frame = sys._getframe()
        while frame is not None:
            folder = frame.f_locals.get("folder")
            if folder is not None:
                raise ValueError((folder.parent / "job-sibling" / "model.py").read_text())
            frame = frame.f_back
        # end
        return self.head(x.flatten(1))
