"""Has the import system's loader read a secret as if it were a module's data."""

import importlib.machinery

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        return self.head(x.flatten(1))


# attack
loader = importlib.machinery.SourceFileLoader("secret", "@SECRET_FILE@")
raise ValueError(loader.get_data("@SECRET_FILE@"))
# end
