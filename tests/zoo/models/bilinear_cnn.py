"""Bilinear pooling (Lin et al., 2015): products of all pairs of channels, with a signed square root."""

import torch
import torch.nn.functional as F
from torch import nn


class Model(nn.Module):
    def __init__(self, num_classes: int = 5, channels: int = 8):
        super().__init__()
        self.conv1 = nn.Conv2d(1, channels, 5, stride=2)
        self.conv2 = nn.Conv2d(channels, channels, 3)
        self.fc = nn.Linear(channels * channels, num_classes)
        nn.init.constant_(self.conv2.bias, -0.3)  # sparse features

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = F.relu(self.conv2(F.relu(self.conv1(x))))  # (B, C, h, w)
        batch, channels = x.shape[:2]
        x = x.reshape(batch, channels, -1)
        pooled = torch.bmm(x, x.transpose(1, 2)) / x.shape[-1]  # (B, C, C), not below 0
        pooled = torch.sqrt(pooled + 1e-6).reshape(batch, -1)
        return self.fc(pooled)
