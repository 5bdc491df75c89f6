"""Set Transformer (Lee et al., 2018): induced points, pooling by attention."""

import torch
from torch import nn


class MAB(nn.Module):
    """Multihead attention block: rows of x read y."""

    def __init__(self, dim: int, heads: int):
        super().__init__()
        self.attention = nn.MultiheadAttention(dim, heads, batch_first=True)
        self.ln0, self.ln1 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.fc = nn.Linear(dim, dim)

    def forward(self, x, y):
        h = self.ln0(x + self.attention(x, y, y, need_weights=False)[0])
        return self.ln1(h + torch.relu(self.fc(h)))


class ISAB(nn.Module):
    def __init__(self, dim, heads, points):
        super().__init__()
        self.inducing = nn.Parameter(torch.empty(1, points, dim))
        nn.init.xavier_uniform_(self.inducing)
        self.mab0, self.mab1 = MAB(dim, heads), MAB(dim, heads)

    def forward(self, x):
        h = self.mab0(self.inducing.repeat(x.size(0), 1, 1), x)
        return self.mab1(x, h)


class Model(nn.Module):
    def __init__(self, dim_in=3, dim=16, heads=2, dim_out=4):
        super().__init__()
        self.embed = nn.Linear(dim_in, dim)
        self.encoder = nn.Sequential(ISAB(dim, heads, 4), ISAB(dim, heads, 4))
        self.seed = nn.Parameter(torch.randn(1, 1, dim))
        self.pool = MAB(dim, heads)
        self.out = nn.Linear(dim, dim_out)

    def forward(self, x):
        x = self.encoder(self.embed(x))
        return self.out(self.pool(self.seed.expand(x.size(0), -1, -1), x)).squeeze(1)
