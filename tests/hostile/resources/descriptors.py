"""Opens files until nothing can be opened, and keeps them."""

# seconds: 4

import time

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        taken = []
        while True:
            taken.append(open("/dev/null"))
            if len(taken) > 20_000:
                time.sleep(3600)
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
