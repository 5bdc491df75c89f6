"""Pre-activation residual network (He et al., 2016): norm and activation come before each convolution."""

from torch import Tensor, nn


class PreActivation(nn.Sequential):
    """norm -> relu -> conv, as one layer."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(
            nn.BatchNorm2d(inputs, momentum=0.05, track_running_stats=True),
            nn.ReLU(),
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        )


class Bottleneck(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        inner = outputs // 4
        self.body = nn.Sequential(
            PreActivation(inputs, inner, 1), PreActivation(inner, inner, 3, stride), PreActivation(inner, outputs, 1)
        )
        self.project = nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.project(x) + self.body(x)


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        widths = [16, 16, 32, 64]
        self.stem = nn.Conv2d(3, widths[0], 3, padding=1, bias=False)
        self.blocks = nn.Sequential(
            *(
                Bottleneck(before, after, 1 + (number > 0))
                for number, (before, after) in enumerate(zip(widths, widths[1:], strict=False))
            )
        )
        self.norm = nn.BatchNorm2d(widths[-1])
        self.head = nn.Linear(widths[-1], 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.blocks(self.stem(x))).relu()  # [batch, 64, 6, 6]
        return self.head(x.mean(dim=(2, 3)))
