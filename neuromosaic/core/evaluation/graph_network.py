"""A graph network over networks: what one comes to, told from its operations and from what flows where.

Messages go along the edges and against them (Gilmer et al., 2017, arXiv:1704.01212, section 2; as a predictor of
architectures Wen et al., 2020, arXiv:1912.00848, section 2.2). Several small ones that have each not seen a part of
the trials: where they differ nobody knows.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (its usual name)
from numpy.typing import NDArray
from torch import Tensor, nn

from neuromosaic.core.evaluation.wiring import FIGURES, Operation, label

Array = NDArray[np.float64]
Wired = Sequence[Sequence[Operation]]

MEMBERS: Final = 6
WIDTH, ROUNDS = 16, 3
STEPS, RATE, DECAY = 120, 1e-2, 1e-3


class GraphNetworks:
    """An ensemble; `unseen` [n]: what the member that was kept from a trial says of it.

    The same trials give the same networks; PyTorch's generator is left as it was.
    """

    def __init__(self, networks: Wired, measured: Array, seed: int = 0) -> None:
        kinds = sorted({label(one) for network in networks for one in network})
        self._kinds = {kind: place for place, kind in enumerate(kinds)}
        self._mean, self._scale = float(measured.mean()), float(measured.std()) or 1.0
        raw = self._batch(networks)
        seen = raw.figures[raw.there > 0]
        self._centre, self._spread = seen.mean(0), seen.std(0, correction=0).clamp_min(1e-3)
        part = np.random.default_rng(seed).permutation(len(networks)) % MEMBERS
        sees = torch.from_numpy(np.arange(MEMBERS)[:, None] != part).float()
        targets = torch.tensor((measured - self._mean) / self._scale, dtype=torch.float32)
        self._members = _trained(self._standardised(raw), targets, sees, len(kinds), seed)
        each = self._told(networks)
        self.unseen: Array = each[part, np.arange(len(networks))]
        self._missed = float(np.sqrt(np.mean((self.unseen - measured) ** 2)))

    def predict(self, networks: Wired) -> tuple[Array, Array]:
        """Mean and standard deviation, each [m], in the unit of what was measured."""
        each = self._told(networks)
        return each.mean(axis=0), np.hypot(each.std(axis=0), self._missed)

    def _told(self, networks: Wired) -> Array:
        with torch.no_grad():
            found: Array = self._members(self._standardised(self._batch(networks))).double().numpy()
        return self._mean + self._scale * found

    def _batch(self, networks: Wired) -> "Batch":
        shape = len(networks), max(map(len, networks))
        batch = Batch(
            torch.full(shape, len(self._kinds)), torch.zeros(*shape, len(FIGURES)), torch.zeros(shape),
            torch.zeros(*shape, shape[1]),
        )  # fmt: skip
        for row, network in enumerate(networks):
            for place, one in enumerate(network):
                batch.kinds[row, place] = self._kinds.get(label(one), len(self._kinds))
                batch.figures[row, place] = torch.tensor(one.figures)
                batch.edges[row, place, list(one.sources)] = 1.0
            batch.there[row, : len(network)] = 1.0
        return batch

    def _standardised(self, batch: "Batch") -> "Batch":
        return batch._replace(figures=(batch.figures - self._centre) / self._spread)


class Batch(NamedTuple):
    """Networks filled up to the largest: `kinds` [n, k], `figures` [n, k, FIGURES], `there` [n, k] 1 for what is one,
    `edges` [n, k, k] 1 where the first reads the second."""

    kinds: Tensor
    figures: Tensor
    there: Tensor
    edges: Tensor


class Members(nn.Module):
    """All members at once: every weight has an axis of them, first. Gives [members, n]."""

    def __init__(self, kinds: int) -> None:
        super().__init__()
        self.kind = nn.Parameter(torch.randn(MEMBERS, kinds + 1, WIDTH))
        self.figures = _weights(len(FIGURES), WIDTH)
        self.own, self.along, self.against = (
            nn.ParameterList(_weights(WIDTH, WIDTH) for _ in range(ROUNDS)) for _ in range(3)
        )
        self.bias = nn.Parameter(torch.zeros(ROUNDS, MEMBERS, 1, 1, WIDTH))
        self.hidden, self.last = _weights(2 * WIDTH, WIDTH), _weights(WIDTH, 1)
        self.level = nn.Parameter(torch.zeros(MEMBERS, 1, WIDTH))

    def forward(self, batch: Batch) -> Tensor:
        there, back = batch.there.unsqueeze(2), batch.edges.transpose(1, 2)
        h = (self.kind[:, batch.kinds] + _applied(batch.figures.expand(MEMBERS, -1, -1, -1), self.figures)) * there
        for own, along, against, bias in zip(self.own, self.along, self.against, self.bias, strict=True):
            told = _applied(h, own) + _applied(batch.edges @ h, along) + _applied(back @ h, against)
            h = h + F.relu(F.layer_norm(told, (WIDTH,)) + bias) * there
        mean = h.sum(2) / there.sum(1)
        most = h.masked_fill(there == 0, -1e9).amax(2)
        hidden = F.relu(torch.cat([mean, most], 2) @ self.hidden + self.level)
        return (hidden @ self.last).squeeze(2)


def _weights(taken: int, given: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(MEMBERS, taken, given) / taken**0.5)


def _applied(h: Tensor, weights: Tensor) -> Tensor:
    """[members, n, k, i] by [members, i, o]."""
    return (h.flatten(1, 2) @ weights).reshape(*h.shape[:-1], weights.shape[2])


def _trained(batch: Batch, targets: Tensor, sees: Tensor, kinds: int, seed: int) -> Members:
    """`sees` [members, n]: 1 where the member may learn from the trial."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        members = Members(kinds)
    optimizer = torch.optim.AdamW(members.parameters(), RATE, weight_decay=DECAY, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=STEPS)
    for _ in range(STEPS):
        optimizer.zero_grad()
        missed = (members(batch) - targets).square() * sees
        (missed.sum(1) / sees.sum(1)).sum().backward()
        optimizer.step()
        schedule.step()
    return members
