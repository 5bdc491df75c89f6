"""Has a regular expression backtrack for ages, without a look at signals."""

# seconds: 2

import re

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        re.match("(a+)+$", "a" * 60 + "b")
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
