"""Perceiver-like (Jaegle et al., 2021): a few latent vectors read a long input by cross attention."""

import torch
import torch.nn.functional as F
from torch import nn


class CrossAttention(nn.Module):
    def __init__(self, query_dim: int, context_dim: int, heads: int = 2):
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(query_dim, query_dim, bias=False)
        self.to_kv = nn.Linear(context_dim, 2 * query_dim, bias=False)
        self.to_out = nn.Linear(query_dim, query_dim)

    def forward(self, x: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        q, (k, v) = self.to_q(x), self.to_kv(context).chunk(2, dim=-1)
        q, k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in (q, k, v))
        out = F.scaled_dot_product_attention(q, k, v)  # (B, heads, latents, dim / heads)
        return self.to_out(out.transpose(1, 2).flatten(-2))


class Model(nn.Module):
    def __init__(self, channels: int = 3, latents: int = 6, dim: int = 16, classes: int = 10):
        super().__init__()
        self.latents = nn.Parameter(torch.randn(latents, dim) * 0.5)
        self.norm_x, self.norm_context = nn.LayerNorm(dim), nn.LayerNorm(channels)
        self.cross = CrossAttention(dim, channels)
        self.self_attention = CrossAttention(dim, dim)
        self.mlp = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))
        self.head = nn.Linear(dim, classes)

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        x = self.latents.expand(points.shape[0], -1, -1)
        x = x + self.cross(self.norm_x(x), self.norm_context(points))
        x = x + self.self_attention(x, x)
        x = x + self.mlp(x)
        return self.head(x.mean(dim=1))
