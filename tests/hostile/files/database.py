"""Writes a table into a file of the host with SQLite."""

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        import sqlite3

        with sqlite3.connect("@OPEN_FOLDER@/run.db") as store:
            store.execute("create table candidates (accepted)")
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
