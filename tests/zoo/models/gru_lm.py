"""Character-level language model on nn.GRU: what it has read is what it knows."""

import torch
from torch import Tensor, nn


class Model(nn.Module):
    def __init__(self, characters: int = 28, width: int = 24, layers: int = 2) -> None:
        super().__init__()
        self.embed = nn.Embedding(characters, width)
        self.rnn = nn.GRU(width, width, num_layers=layers, batch_first=True, dropout=0.1)
        self.context = nn.Linear(width, width, bias=False)
        self.head = nn.Linear(width, characters)

    def forward(self, ids: Tensor) -> Tensor:
        states, _ = self.rnn(self.embed(ids))  # [B, T, width]
        count = torch.arange(1, ids.shape[1] + 1, device=ids.device)[:, None]
        average = states.cumsum(dim=1) / count
        return self.head(states + self.context(average))
