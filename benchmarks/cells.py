"""NAS-Bench-201's networks (Dong & Yang, 2020, arXiv:2001.00326, section 2), from the operations of a cell."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
CHANNELS = 16


def network(operations: Sequence[str], cells: int, seed: int, classes: int = 10) -> nn.Module:
    """`operations` of the edges in the tables' order; `cells` in each of three stages (the paper has 5)."""
    torch.manual_seed(seed)
    stages: list[nn.Module] = [nn.Conv2d(3, CHANNELS, 3, padding=1, bias=False), nn.BatchNorm2d(CHANNELS)]
    for stage in range(3):
        width = CHANNELS * 2**stage
        if stage:
            stages.append(Reduction(width // 2, width))
        stages += [Cell(operations, width) for _ in range(cells)]
    head = [nn.BatchNorm2d(width), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes)]
    return nn.Sequential(*stages, *head)


class Cell(nn.Module):
    def __init__(self, operations: Sequence[str], width: int) -> None:
        super().__init__()
        self.edges = nn.ModuleList(operation(name, width) for name in operations)

    def forward(self, x: Tensor) -> Tensor:
        nodes = [x]
        for target in (1, 2, 3):
            pairs = zip(EDGES, self.edges, strict=True)
            nodes.append(sum(edge(nodes[source]) for (source, end), edge in pairs if end == target))
        return nodes[-1]


def operation(name: str, width: int) -> nn.Module:
    if name.endswith(("conv_1x1", "conv_3x3")):
        return convolution(width, width, int(name[-1]))
    known = {"none": Nothing(), "skip_connect": nn.Identity()}
    return known[name] if name in known else nn.AvgPool2d(3, 1, 1, count_include_pad=False)


def convolution(taken: int, given: int, size: int, stride: int = 1) -> nn.Module:
    conv = nn.Conv2d(taken, given, size, stride, size // 2, bias=False)
    return nn.Sequential(nn.ReLU(), conv, nn.BatchNorm2d(given))


class Nothing(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 0.0


class Reduction(nn.Module):
    """A residual block that halves the sides."""

    def __init__(self, taken: int, given: int) -> None:
        super().__init__()
        self.body = nn.Sequential(convolution(taken, given, 3, 2), convolution(given, given, 3))
        self.short = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(taken, given, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        return self.short(x) + self.body(x)
