"""Overwrites a file of the host when it is asked for its parameters."""

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        return self.head(x.flatten(1))

    # attack
    def named_parameters(self, *args, **kwargs):
        open("@CANARY_FILE@", "w").write("forged")
        return super().named_parameters(*args, **kwargs)
    # end
