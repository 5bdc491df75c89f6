"""Denoising autoencoder: strided convolutions down, transposed ones up; noise in train mode alone."""

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, noise: float = 0.1):
        super().__init__()
        self.noise = noise
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 8, 3, stride=2, padding=1),  # 14
            nn.ELU(),
            nn.Conv2d(8, 16, 3, stride=2, padding=1),  # 7
            nn.ELU(),
        )
        self.bottleneck = nn.Sequential(nn.Flatten(), nn.Linear(16 * 7 * 7, 20), nn.Linear(20, 16 * 7 * 7))
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(16, 8, 3, stride=2, padding=1, output_padding=1),  # 14
            nn.ELU(),
            nn.ConvTranspose2d(8, 1, 4, stride=2, padding=1),  # 28
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            x = x + self.noise * torch.randn_like(x)
        code = self.bottleneck(self.encoder(x))
        return self.decoder(code.view(-1, 16, 7, 7))
