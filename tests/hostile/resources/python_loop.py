"""Computes in a loop without an end as the module is imported."""

# seconds: 2

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        return self.head(x.flatten(1))


# attack
while True:
    pass
# end
