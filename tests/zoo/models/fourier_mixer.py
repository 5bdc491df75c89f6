"""FNet (Lee-Thorp et al., 2021): tokens are mixed by a Fourier transform instead of by attention."""

import torch
from torch import nn


class FNetBlock(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.norm2 = nn.LayerNorm(dim)
        self.ff = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, dim))

    def forward(self, x):
        mixed = torch.fft.fft(torch.fft.fft(x, dim=-1), dim=1).real
        x = self.norm1(x + mixed)
        return self.norm2(x + self.ff(x))


class Model(nn.Module):
    def __init__(self, vocab=50, dim=16, classes=4):
        super().__init__()
        self.tokens = nn.Embedding(vocab, dim)
        self.blocks = nn.Sequential(FNetBlock(dim, 32), FNetBlock(dim, 32))
        self.out = nn.Linear(dim, classes)

    def forward(self, ids):
        return self.out(self.blocks(self.tokens(ids))[:, 0])
