"""Never comes to the end of its list of parameters."""

# seconds: 2

from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        return self.head(x.flatten(1))

    # attack
    def named_parameters(self, *args, **kwargs):
        while True:
            yield "again", nn.Parameter(self.head.bias[:0].detach())
        return super().named_parameters(*args, **kwargs)
    # end
