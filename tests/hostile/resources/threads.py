"""Starts threads until it may start no more."""

# seconds: 4

import threading
import time

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        def wait():
            time.sleep(3600)

        for _ in range(2000):
            threading.Thread(target=wait, daemon=True).start()
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
