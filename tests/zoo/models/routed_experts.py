"""Sparse mixture of experts: each expert sees only the tokens that are routed to it."""

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, dim: int = 8, experts: int = 3, hidden: int = 12, classes: int = 4):
        super().__init__()
        self.gate = nn.Linear(dim, experts, bias=False)
        self.up = nn.ModuleList(nn.Linear(dim, hidden) for _ in range(experts))
        self.down = nn.ModuleList(nn.Linear(hidden, dim) for _ in range(experts))
        self.head = nn.Linear(dim, classes)

    def route(self, tokens: torch.Tensor) -> torch.Tensor:
        weight, chosen = self.gate(tokens).softmax(dim=-1).max(dim=-1)
        out = torch.zeros_like(tokens)
        for number, (up, down) in enumerate(zip(self.up, self.down, strict=True)):
            (rows,) = torch.where(chosen == number)
            answers = down(torch.relu(up(tokens[rows])))
            out = out.index_add(0, rows, answers * weight[rows].unsqueeze(-1))
        return out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, time, dim = x.shape
        routed = self.route(x.reshape(-1, dim)).view(batch, time, dim)
        return self.head((x + routed).mean(dim=1))
