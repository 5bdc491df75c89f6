"""GAT (Velickovic et al., 2017) on a dense adjacency of flags."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class GraphAttention(nn.Module):
    def __init__(self, inputs: int, outputs: int, heads: int, concatenate: bool) -> None:
        super().__init__()
        self.project = nn.Linear(inputs, heads * outputs, bias=False)
        self.source = nn.Parameter(torch.randn(heads, outputs) / outputs**0.5)
        self.target = nn.Parameter(torch.randn(heads, outputs) / outputs**0.5)
        self.concatenate = concatenate

    def forward(self, x: Tensor, edges: Tensor) -> Tensor:
        h = self.project(x).unflatten(-1, (len(self.source), -1))  # [B, N, heads, outputs]
        scores = (h * self.source).sum(-1).unsqueeze(2) + (h * self.target).sum(-1).unsqueeze(1)
        scores = functional.leaky_relu(scores, 0.2)  # [B, N, N, heads]: row reads column
        loops = torch.eye(edges.shape[-1], dtype=torch.bool, device=edges.device)
        scores = scores.masked_fill(~(edges | loops).unsqueeze(-1), float("-inf"))
        y = torch.einsum("bijh,bjhd->bihd", scores.softmax(dim=2), h)
        return y.flatten(2) if self.concatenate else y.mean(dim=2)


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one = GraphAttention(6, 8, heads=2, concatenate=True)
        self.two = GraphAttention(16, 3, heads=2, concatenate=False)

    def forward(self, x: Tensor, edges: Tensor) -> Tensor:
        return self.two(functional.elu(self.one(x, edges)), edges)  # [B, N, 3]
