"""Keeps every output that it ever had, in more and more copies."""

# seconds: 8

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        # attack
        self.kept = getattr(self, "kept", [x.clone()])
        for _ in range(60):
            self.kept.append(self.kept[-1].repeat(2, *[1] * (x.ndim - 1)))
        # end
        return self.head(x.flatten(1))
