"""Linear-chain CRF: the mean negative log-likelihood of tags, by the forward algorithm."""

import torch
from torch import Tensor, nn


class Model(nn.Module):
    def __init__(self, features: int, tags: int) -> None:
        super().__init__()
        self.emit = nn.Linear(features, tags)
        self.transitions = nn.Parameter(torch.zeros(tags, tags))
        self.start = nn.Parameter(torch.zeros(tags))

    def partition(self, emissions: Tensor) -> Tensor:
        """emissions: [B, T, tags] -> [B]"""
        alpha = self.start + emissions[:, 0]
        for t in range(1, emissions.shape[1]):
            scores = alpha.unsqueeze(2) + self.transitions + emissions[:, t].unsqueeze(1)
            alpha = torch.logsumexp(scores, dim=1)
        return torch.logsumexp(alpha, dim=1)

    def forward(self, x: Tensor, tags: Tensor) -> Tensor:
        emissions = self.emit(x)
        score = self.start[tags[:, 0]] + emissions.gather(2, tags.unsqueeze(-1)).squeeze(-1).sum(dim=1)
        score = score + self.transitions[tags[:, :-1], tags[:, 1:]].sum(dim=1)
        return (self.partition(emissions) - score).mean()


def get_inputs():
    return [torch.randn(4, 48, 5), torch.randint(0, 9, (4, 48))]


def get_init_inputs():
    return [5, 9]
