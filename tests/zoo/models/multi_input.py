"""Late fusion of an image, a row of numbers and a category."""

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, numbers: int = 6, categories: int = 9, hidden: int = 16):
        super().__init__()
        self.image_tower = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2), nn.SiLU(), nn.AdaptiveMaxPool2d(2), nn.Flatten()
        )
        self.number_tower = nn.Sequential(nn.LayerNorm(numbers), nn.Linear(numbers, hidden), nn.SiLU())
        self.category_tower = nn.Embedding(categories, 5)
        self.fuse = nn.Bilinear(32 + 5, hidden, hidden)
        self.out = nn.Linear(hidden, 2)

    def forward(self, image: torch.Tensor, row: torch.Tensor, category: torch.Tensor) -> torch.Tensor:
        left = torch.cat([self.image_tower(image), self.category_tower(category).squeeze(1)], dim=-1)  # (B, 37)
        fused = torch.tanh(self.fuse(left, self.number_tower(row)))
        return self.out(fused)
