"""VQ-VAE (van den Oord et al., 2017): codes from a table, gradients copied past the choice."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class VectorQuantizer(nn.Module):
    def __init__(self, num_embeddings: int, dim: int, beta: float = 0.25):
        super().__init__()
        self.beta = beta
        self.embedding = nn.Embedding(num_embeddings, dim)
        nn.init.uniform_(self.embedding.weight, -0.5, 0.5)

    def forward(self, z: torch.Tensor):
        z = z.permute(0, 2, 3, 1)  # (B, H, W, D)
        distance = (
            z.square().sum(-1, keepdim=True) - 2 * z @ self.embedding.weight.T + self.embedding.weight.square().sum(1)
        )
        codes = distance.argmin(dim=-1)
        q = self.embedding(codes)
        loss = (q - z.detach()).square() + self.beta * (z - q.detach()).square()
        q = z + (q - z).detach()
        return q.permute(0, 3, 1, 2), loss.flatten(1).mean(dim=1, keepdim=True)


class Model(nn.Module):
    def __init__(self, dim: int = 6, codes: int = 16):
        super().__init__()
        self.enc = nn.ModuleList([nn.Conv2d(3, 12, 4, 2, 1), nn.Conv2d(12, dim, 4, 2, 1)])
        self.quantizer = VectorQuantizer(codes, dim)
        self.dec = nn.ModuleList([nn.ConvTranspose2d(dim, 12, 4, 2, 1), nn.ConvTranspose2d(12, 3, 4, 2, 1)])

    def forward(self, x: torch.Tensor):
        z = self.enc[1](F.relu(self.enc[0](x)))
        q, loss = self.quantizer(z)
        return self.dec[1](F.relu(self.dec[0](q))), loss  # (B, 3, 16, 16), (B, 1)
