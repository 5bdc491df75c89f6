"""Has torch map a file of the host into a shared tensor, and writes into that."""

import torch

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        torch.from_file("@CANARY_FILE@", shared=True, size=9, dtype=torch.uint8).fill_(88)
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
