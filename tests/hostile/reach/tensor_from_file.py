"""Has torch itself map a secret file into a tensor, which leaves as a buffer of the network."""

import torch

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        self.register_buffer("seen", torch.from_file("@SECRET_FILE@", size=39, dtype=torch.uint8).clone())
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
