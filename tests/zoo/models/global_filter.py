"""Global filter network (Rao et al., 2021): complex weights on the two-dimensional spectrum of an image."""

import torch
from torch import Tensor, nn


class GlobalFilter(nn.Module):
    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        self.side = side
        self.complex_weight = nn.Parameter(0.02 * torch.randn(channels, side, side // 2 + 1, 2))
        self.gain = nn.Parameter(torch.ones(channels, 1, 1, dtype=torch.complex64))

    def forward(self, x: Tensor) -> Tensor:
        spectrum = torch.fft.rfft2(x, norm="ortho")
        spectrum = spectrum * (self.gain + torch.view_as_complex(self.complex_weight))
        return torch.fft.irfft2(spectrum, s=(self.side, self.side), norm="ortho")


class Model(nn.Module):
    def __init__(self, channels: int = 8, side: int = 8, classes: int = 10) -> None:
        super().__init__()
        self.patch = nn.Conv2d(1, channels, 2, stride=2)
        self.filters = nn.ModuleList([GlobalFilter(channels, side) for _ in range(2)])
        self.mixes = nn.ModuleList([nn.Conv2d(channels, channels, 1) for _ in range(2)])
        self.head = nn.Linear(2 * channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch(x)
        for mix, spectral in zip(self.mixes, self.filters, strict=True):
            x = x + torch.relu(mix(spectral(x)))
        magnitude = torch.fft.fft2(x).abs().mean(dim=(2, 3))
        return self.head(torch.cat([x.mean(dim=(2, 3)), magnitude], dim=1))
