"""Reads a padded sentence (id 0) in both directions; what is padding does not count."""

import torch
from torch import Tensor, nn


class Model(nn.Module):
    def __init__(self, words: int = 60, width: int = 16, classes: int = 4) -> None:
        super().__init__()
        self.embed = nn.Embedding(words, width, padding_idx=0)
        self.forwards = nn.GRUCell(width, width)
        self.backwards = nn.GRUCell(width, width)
        self.classify = nn.Sequential(nn.LayerNorm(2 * width), nn.Linear(2 * width, classes))

    def read(self, cell: nn.GRUCell, x: Tensor, kept: Tensor, order: range) -> Tensor:
        state = x.new_zeros(x.shape[0], cell.hidden_size)
        for step in order:
            state = torch.where(kept[:, step], cell(x[:, step], state), state)
        return state

    def forward(self, ids: Tensor) -> Tensor:
        kept = (ids != 0).unsqueeze(-1)  # [B, T, 1]
        x, steps = self.embed(ids), ids.shape[1]
        one = self.read(self.forwards, x, kept, range(steps))
        other = self.read(self.backwards, x, kept, range(steps - 1, -1, -1))
        return self.classify(torch.cat([one, other], dim=-1))
