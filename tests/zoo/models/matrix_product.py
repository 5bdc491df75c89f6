"""A product of two matrices with a trained scale per row: no axis of this is a batch."""

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, rows: int):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(rows, 1))

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """a: (rows, inner), b: (inner, columns) -> (rows, columns)"""
        return torch.matmul(self.scale * a, b)


ROWS, INNER, COLUMNS = 24, 40, 16


def get_inputs():
    return [torch.randn(ROWS, INNER), torch.randn(INNER, COLUMNS)]


def get_init_inputs():
    return [ROWS]
