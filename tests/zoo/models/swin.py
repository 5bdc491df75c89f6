"""Attention within shifted windows (Liu et al., 2021), with a relative position bias and a mask at the seam."""

import torch
from torch import Tensor, nn


class WindowAttention(nn.Module):
    def __init__(self, dim: int, heads: int, window: int, side: int, shift: int) -> None:
        super().__init__()
        self.heads, self.window, self.shift = heads, window, shift
        self.qkv, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.bias_table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        grid = torch.stack(torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")).flatten(1)
        offsets = (grid[:, :, None] - grid[:, None, :]) + window - 1  # [2, w*w, w*w]
        self.register_buffer("index", offsets[0] * (2 * window - 1) + offsets[1], persistent=False)
        self.register_buffer("mask", self.seam(side), persistent=False)

    def seam(self, side: int) -> Tensor:
        """True where two places of a window only meet because of the shift: [windows, w*w, w*w]."""
        region = torch.zeros(1, side, side, 1)
        if self.shift:
            edge = (torch.arange(side) >= side - self.shift).float()
            region = (edge[:, None] * 2 + edge[None, :])[None, :, :, None]
        region = self.windows(region).squeeze(-1)
        return region[:, :, None] != region[:, None, :]

    def windows(self, x: Tensor) -> Tensor:
        """[batch, side, side, c] -> [batch * windows, w*w, c]"""
        b, h, w, c = x.shape
        x = x.view(b, h // self.window, self.window, w // self.window, self.window, c)
        return x.transpose(2, 3).reshape(-1, self.window**2, c)

    def forward(self, x: Tensor) -> Tensor:
        b, h, w, c = x.shape
        shifted = torch.roll(x, (-self.shift, -self.shift), dims=(1, 2))
        qkv = self.qkv(self.windows(shifted)).unflatten(-1, (3, self.heads, -1))
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # [windows of all, heads, w*w, c / heads]
        scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
        scores = scores + self.bias_table[self.index].permute(2, 0, 1)
        scores = scores.unflatten(0, (b, -1)).masked_fill(self.mask[None, :, None], -1e9).flatten(0, 1)
        y = self.out((scores.softmax(-1) @ v).transpose(1, 2).flatten(2))
        side = h // self.window
        y = y.view(b, side, side, self.window, self.window, c).transpose(2, 3).reshape(b, h, w, c)
        return torch.roll(y, (self.shift, self.shift), dims=(1, 2))


class Model(nn.Module):
    def __init__(self, dim: int = 16, side: int = 8) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, dim, 2, stride=2)
        self.attention = nn.ModuleList(WindowAttention(dim, 2, 4, side, shift) for shift in (0, 2))
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(4))
        self.mlps = nn.ModuleList(nn.Sequential(nn.Linear(dim, 32), nn.GELU(), nn.Linear(32, dim)) for _ in range(2))
        self.head = nn.Linear(dim, 6)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x).permute(0, 2, 3, 1)  # [batch, 8, 8, dim]
        for number, attention in enumerate(self.attention):
            x = x + attention(self.norms[2 * number](x))
            x = x + self.mlps[number](self.norms[2 * number + 1](x))
        return self.head(x.mean(dim=(1, 2)))
