"""WaveNet-like (van den Oord et al., 2016): dilated causal convolutions, gates, skip connections, over 32 levels."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class GatedLayer(nn.Module):
    def __init__(self, channels, skip_channels, dilation, kernel_size=2):
        super().__init__()
        self.padding = (kernel_size - 1) * dilation
        self.filter = nn.Conv1d(channels, channels, kernel_size, dilation=dilation)
        self.gate = nn.Conv1d(channels, channels, kernel_size, dilation=dilation)
        self.residual = nn.Conv1d(channels, channels, 1)
        self.skip = nn.Conv1d(channels, skip_channels, 1)

    def forward(self, x):
        padded = F.pad(x, (self.padding, 0))
        h = torch.tanh(self.filter(padded)) * torch.sigmoid(self.gate(padded))
        return x + self.residual(h), self.skip(h)


class Model(nn.Module):
    def __init__(self, levels=32, channels=12, skip_channels=16, dilations=(1, 2, 4, 8)):
        super().__init__()
        self.embedding = nn.Embedding(levels, channels)
        self.layers = nn.ModuleList([GatedLayer(channels, skip_channels, d) for d in dilations[:-1]])
        self.last = nn.Conv1d(channels, skip_channels, 1)
        self.out = nn.Sequential(nn.ReLU(), nn.Conv1d(skip_channels, skip_channels, 1), nn.ReLU())
        self.classify = nn.Conv1d(skip_channels, levels, 1)

    def forward(self, samples):
        x = self.embedding(samples).transpose(1, 2)  # (B, channels, T)
        total = 0
        for layer in self.layers:
            x, skip = layer(x)
            total = total + skip
        return self.classify(self.out(total + self.last(x))).transpose(1, 2)  # (B, T, levels)
