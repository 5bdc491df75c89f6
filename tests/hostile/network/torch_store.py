"""Has torch's own store of distributed jobs open the connection, in C++."""

# seconds: 8

import torch.distributed

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        from datetime import timedelta

        torch.distributed.TCPStore("127.0.0.1", int("@TCP_PORT@"), None, False, timedelta(seconds=1))
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
