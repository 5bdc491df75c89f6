"""Unpickles an object whose reduction opens a file."""

import pickle

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        class Opens:
            def __reduce__(self):
                return open, ("@SECRET_FILE@",)

        raise ValueError(pickle.loads(pickle.dumps(Opens())).read())
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
