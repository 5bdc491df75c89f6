"""Has NumPy read a secret file into an array."""

import numpy

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        raise ValueError(bytes(numpy.fromfile("@SECRET_FILE@", dtype=numpy.uint8)))
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
