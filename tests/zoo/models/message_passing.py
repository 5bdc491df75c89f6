"""Message passing with edge features (Gilmer et al., 2017): a GRU cell updates the nodes; a readout for the graph."""

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, node_dim: int = 5, edge_dim: int = 3, hidden: int = 12, steps: int = 3, targets: int = 2):
        super().__init__()
        self.steps = steps
        self.embed = nn.Linear(node_dim, hidden)
        self.message = nn.Sequential(nn.Linear(2 * hidden + edge_dim, hidden), nn.ReLU(), nn.Linear(hidden, hidden))
        self.update = nn.GRUCell(hidden, hidden)
        self.gate = nn.Linear(hidden + node_dim, hidden)
        self.readout = nn.Linear(hidden, targets)

    def forward(self, nodes: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
        """nodes: (B, N, node_dim), edges: (B, N, N, edge_dim) -> (B, targets)"""
        b, n, _ = nodes.shape
        h = self.embed(nodes)
        for _ in range(self.steps):
            pairs = torch.cat([h.unsqueeze(2).expand(b, n, n, -1), h.unsqueeze(1).expand(b, n, n, -1), edges], dim=-1)
            messages = self.message(pairs).sum(dim=2)  # (B, N, hidden)
            h = self.update(messages.flatten(0, 1), h.flatten(0, 1)).view(b, n, -1)
        gates = torch.sigmoid(self.gate(torch.cat([h, nodes], dim=-1)))
        return self.readout((gates * h).sum(dim=1))
