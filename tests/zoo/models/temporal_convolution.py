"""TCN (Bai et al., 2018): dilated causal blocks with weight norm."""

import torch.nn as nn
from torch.nn.utils.parametrizations import weight_norm


class Chomp1d(nn.Module):
    def __init__(self, chomp_size):
        super().__init__()
        self.chomp_size = chomp_size

    def forward(self, x):
        return x[:, :, : -self.chomp_size].contiguous()


class TemporalBlock(nn.Module):
    def __init__(self, n_inputs, n_outputs, kernel_size, dilation, dropout=0.2):
        super().__init__()
        padding = (kernel_size - 1) * dilation
        layers = []
        for channels in (n_inputs, n_outputs):
            conv = nn.Conv1d(channels, n_outputs, kernel_size, padding=padding, dilation=dilation)
            layers += [weight_norm(conv), Chomp1d(padding), nn.ReLU(), nn.Dropout(dropout)]
        self.net = nn.Sequential(*layers)
        self.downsample = nn.Conv1d(n_inputs, n_outputs, 1) if n_inputs != n_outputs else None
        self.relu = nn.ReLU()

    def forward(self, x):
        res = x if self.downsample is None else self.downsample(x)
        return self.relu(self.net(x) + res)


class Model(nn.Module):
    def __init__(self, num_inputs=2, channels=(8, 8, 12), kernel_size=3):
        super().__init__()
        sizes = [num_inputs, *channels]
        self.blocks = nn.ModuleList(
            [TemporalBlock(sizes[i], sizes[i + 1], kernel_size, dilation=2**i) for i in range(len(channels))]
        )
        self.linear = nn.Linear(channels[-1], 1)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.linear(x[:, :, -1])
