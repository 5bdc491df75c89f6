import torch
from torch import Tensor, nn


class SqueezeExcite(nn.Module):
    """Scales each channel by what the whole image says of it (Hu et al., 2018).

    [batch, channels, h, w] to the same shape.
    """

    def __init__(self, channels: int, reduction: int = 4) -> None:
        super().__init__()
        hidden = max(4, channels // reduction)
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, hidden, 1),
            nn.ReLU(),
            nn.Conv2d(hidden, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        gate: Tensor = self.gate(x)
        return x * gate


class ConvNormActivation(nn.Sequential):
    """A convolution without bias, batch norm, an activation.

    [batch, inputs, h, w] to [batch, outputs, h / stride, w / stride], rounded up.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 3,
        stride: int = 1,
        groups: int = 1,
        activation: type[nn.Module] = nn.ReLU,
    ) -> None:
        padding = kernel // 2
        super().__init__(
            nn.Conv2d(
                inputs, outputs, kernel, stride, padding, groups=groups, bias=False
            ),
            nn.BatchNorm2d(outputs),
            activation(),
        )


class SeparableConv(nn.Sequential):
    """Filters each channel, mixes them, normalises (Chollet, 2017).

    [batch, inputs, h, w] to [batch, outputs, h / stride, w / stride], rounded up.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1
    ) -> None:
        padding = kernel // 2
        super().__init__(
            nn.Conv2d(
                inputs, inputs, kernel, stride, padding, groups=inputs, bias=False
            ),
            nn.Conv2d(inputs, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )


class InvertedResidual(nn.Module):
    """Widens, filters each channel, narrows; adds the input where it fits.

    [batch, inputs, h, w] to [batch, outputs, h / stride, w / stride], rounded up
    (Sandler et al., 2018; squeeze-excite as in Howard et al., 2019).
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 3,
        stride: int = 1,
        expansion: int = 4,
        squeeze_excite: bool = True,
        activation: type[nn.Module] = nn.ReLU,
    ) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.residual = stride == 1 and inputs == outputs
        self.branch = nn.Sequential(
            ConvNormActivation(inputs, hidden, 1, activation=activation),
            ConvNormActivation(hidden, hidden, kernel, stride, hidden, activation),
            SqueezeExcite(hidden) if squeeze_excite else nn.Identity(),
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.branch(x)
        return x + out if self.residual else out


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside the identity, or a projection (He et al., 2016).

    [batch, inputs, h, w] to [batch, outputs, h / stride, w / stride], rounded up.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = (
            nn.Identity()
            if stride == 1 and inputs == outputs
            else nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False),
                nn.BatchNorm2d(outputs),
            )
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.shortcut(x) + self.branch(x))


class DenseBlock(nn.Module):
    """Each layer sees all before it (Huang et al., 2017).

    [batch, inputs, h, w] to [batch, inputs + layers * growth, h, w].
    """

    def __init__(self, inputs: int, growth: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm2d(inputs + index * growth),
                nn.ReLU(),
                nn.Conv2d(inputs + index * growth, growth, 3, padding=1, bias=False),
            )
            for index in range(layers)
        )

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = torch.cat((x, layer(x)), 1)
        return x


class FactorizedReduce(nn.Module):
    """Halves an image by two 1x1 convolutions, the second one pixel aside (DARTS).

    [batch, inputs, h, w] to [batch, outputs, h / 2, w / 2]; h, w and outputs are even.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.even = nn.Conv2d(inputs, outputs // 2, 1, 2, bias=False)
        self.odd = nn.Conv2d(inputs, outputs // 2, 1, 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(x)
        out: Tensor = self.norm(torch.cat((self.even(x), self.odd(x[:, :, 1:, 1:])), 1))
        return out


class DoubleConv(nn.Sequential):
    """A level of a U-Net: two convolutions, each with norm and ReLU.

    [batch, inputs, h, w] to [batch, outputs, h, w].
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            ConvNormActivation(inputs, outputs), ConvNormActivation(outputs, outputs)
        )


class UNetUp(nn.Module):
    """A level on the way up: doubles the image, joins the skip, two convolutions.

    [batch, deep, h, w] and [batch, skip, 2h, 2w] to [batch, outputs, 2h, 2w]
    (Ronneberger et al., 2015).
    """

    def __init__(self, deep: int, skip: int, outputs: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(deep, outputs, 2, 2)
        self.mix = DoubleConv(outputs + skip, outputs)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        out: Tensor = self.mix(torch.cat((self.up(x), skip), 1))
        return out
