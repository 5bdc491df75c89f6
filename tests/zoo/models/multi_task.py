"""One trunk and several heads in a ModuleDict; answers in a dict."""

from torch import Tensor, nn

TASKS = {"digit": 10, "colour": 3, "angle": 1}


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU(), nn.Conv2d(8, 16, 3, 2), nn.ReLU(), nn.Flatten())
        self.heads = nn.ModuleDict({name: nn.Linear(16 * 3 * 3, size) for name, size in TASKS.items()})

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        features = self.trunk(x)  # [batch, 144]
        return {name: self.heads[name](features) for name in TASKS}
