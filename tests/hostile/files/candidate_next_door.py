"""Lists the folder above its own and reads what other candidates have there."""

import pathlib

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        for path in pathlib.Path("..").glob("*/model.py"):
            if path.resolve() != pathlib.Path("model.py").resolve():
                raise ValueError(path.read_text())
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
