"""Deep Sets (Zaheer et al., 2017): the mean over those elements of a set that are there."""

from torch import Tensor, nn


def perceptron(*widths: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, after in zip(widths, widths[1:], strict=False):
        layers += [nn.Linear(before, after), nn.Mish()]
    return nn.Sequential(*layers[:-1])


class Model(nn.Module):
    def __init__(self, features: int = 4, width: int = 16) -> None:
        super().__init__()
        self.each = perceptron(features, width, width)
        self.whole = perceptron(width, width, 1)

    def forward(self, elements: Tensor, present: Tensor) -> Tensor:
        kept = present.unsqueeze(-1).to(elements.dtype)  # [B, N, 1]
        total = (self.each(elements) * kept).sum(dim=1)
        return self.whole(total / kept.sum(dim=1).clamp_min(1.0))  # [B, 1]
