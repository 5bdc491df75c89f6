"""Registers what it does for the end of the process, and ends the process in good order."""

import atexit

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        atexit.register(lambda: open("@OPEN_FOLDER@/note", "w").write("later"))
        atexit._run_exitfuncs()
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
