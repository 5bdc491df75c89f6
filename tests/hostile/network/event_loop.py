"""Connects from an event loop, in the test phase."""

# play: test

import asyncio

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        asyncio.run(asyncio.wait_for(asyncio.open_connection("127.0.0.1", int("@TCP_PORT@")), 1))
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
