"""Fails with an exception that never comes to the end of its message."""

# seconds: 2

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        class Endless(Exception):
            def __str__(self):
                while True:
                    pass

        raise Endless
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
