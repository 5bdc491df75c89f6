"""MobileNetV3-small, shortened (Howard et al., 2019): squeeze and excitation, hard swish, a table of blocks."""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Row:
    kernel: int
    expanded: int
    out: int
    squeeze: bool
    hard: bool
    stride: int


TABLE = (Row(3, 8, 8, True, False, 2), Row(3, 24, 12, False, False, 2), Row(5, 36, 12, True, True, 1))


class SqueezeExcitation(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(channels, max(channels // 4, 4), 1)
        self.up = nn.Conv2d(max(channels // 4, 4), channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        scale = F.relu(self.down(F.adaptive_avg_pool2d(x, 1)))
        return x * F.hardsigmoid(self.up(scale))


class Block(nn.Module):
    def __init__(self, channels: int, row: Row) -> None:
        super().__init__()
        activation = nn.Hardswish if row.hard else nn.ReLU
        self.residual = row.stride == 1 and channels == row.out
        self.layers = nn.Sequential(
            nn.Conv2d(channels, row.expanded, 1, bias=False),
            nn.BatchNorm2d(row.expanded, eps=0.001),
            activation(),
            nn.Conv2d(row.expanded, row.expanded, row.kernel, row.stride, row.kernel // 2, groups=row.expanded),
            nn.BatchNorm2d(row.expanded, eps=0.001),
            activation(),
            SqueezeExcitation(row.expanded) if row.squeeze else nn.Identity(),
            nn.Conv2d(row.expanded, row.out, 1, bias=False),
            nn.BatchNorm2d(row.out, eps=0.001),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x) + x if self.residual else self.layers(x)


class Model(nn.Module):
    def __init__(self, classes: int = 6) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.Hardswish())
        widths = [8, *(row.out for row in TABLE)]
        self.blocks = nn.ModuleList(map(Block, widths, TABLE))
        self.hidden = nn.Linear(widths[-1], 32)
        self.head = nn.Linear(32, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        x = F.hardswish(self.hidden(x.mean(dim=[2, 3])))
        return self.head(F.dropout(x, 0.2, self.training))
