"""Discriminator of a GAN under spectral normalisation (Miyato et al., 2018)."""

from torch import Tensor, nn
from torch.nn.utils import spectral_norm as old_spectral_norm
from torch.nn.utils.parametrizations import spectral_norm


class Model(nn.Module):
    def __init__(self, channels: int = 1, width: int = 8) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for level in range(3):
            inputs = channels if level == 0 else width << (level - 1)
            convolution = nn.Conv2d(inputs, width << level, 4, stride=2, padding=1)
            layers += [spectral_norm(convolution), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers)  # 16 -> 8 -> 4 -> 2
        self.head = old_spectral_norm(nn.Linear(4 * width * 2 * 2, 1))

    def forward(self, image: Tensor) -> Tensor:
        hidden = self.layers(image).flatten(start_dim=1)
        return self.head(hidden)  # [batch, 1], raw score: real above 0
