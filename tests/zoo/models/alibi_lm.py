"""Language model with linear biases instead of positions (ALiBi, Press et al., 2021)."""

import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.register_buffer("slopes", 2.0 ** -torch.arange(1, heads + 1, dtype=torch.float32))

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = self.qkv(x).reshape(b, t, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        place = torch.arange(t, device=x.device)
        distance = place[None, :] - place[:, None]  # (t, t): keys minus queries
        scores = q @ k.mT / (c // self.heads) ** 0.5 + self.slopes[:, None, None] * distance
        scores = torch.where(distance > 0, torch.tensor(float("-inf")), scores)
        return self.proj((scores.softmax(dim=-1) @ v).transpose(1, 2).reshape(b, t, c))


class Model(nn.Module):
    def __init__(self, vocab=30, dim=16, heads=4, depth=2):
        super().__init__()
        self.tok = nn.Embedding(vocab, dim)
        self.attn = nn.ModuleList(Attention(dim, heads) for _ in range(depth))
        self.mlp = nn.ModuleList(
            nn.Sequential(nn.Linear(dim, 48), nn.GELU(), nn.Linear(48, dim)) for _ in range(depth)
        )
        self.ln = nn.ModuleList(nn.LayerNorm(dim) for _ in range(2 * depth + 1))
        self.head = nn.Linear(dim, vocab)

    def forward(self, ids):
        x = self.tok(ids)
        for i, (attn, mlp) in enumerate(zip(self.attn, self.mlp, strict=True)):
            x = x + attn(self.ln[2 * i](x))
            x = x + mlp(self.ln[2 * i + 1](x))
        return self.head(self.ln[-1](x))
