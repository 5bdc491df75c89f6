"""Starts a program that lives on."""

import subprocess

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        # attack
        subprocess.Popen(["sleep", "61"], start_new_session=True)
        # end
        return self.head(x.flatten(1))
