"""Which of the cells that a differentiable search suggests is the best: a short training alone tells.

Suggested are the cell of the operations without which the trained whole loses most (see `perturbation`), the
heaviest operations with skips on no more than half of the edges, the heaviest of those that have weights to train,
and a few drawn by the operations' shares.
"""

import random

import torch
from torch import Tensor, nn

from neuromosaic.core.evaluation.sharing.bilevel import MOMENTUM, Bilevel
from neuromosaic.core.evaluation.sharing.derivation import COLLAPSED, Cells, derive, share_of_skips, written
from neuromosaic.core.evaluation.sharing.perturbation import derive_by_loss
from neuromosaic.core.evaluation.sharing.subnetwork import SubNetwork
from neuromosaic.core.evaluation.sharing.weights import SharedWeights
from neuromosaic.core.space.cells.layout import NONE, CellLayout, Edge
from neuromosaic.core.space.cells.spaces import CellSpace

DRAWN = 3
FREE = ("skip_connect", "pool")  # in the names of operations without weights
LENGTH = 0.5  # of the search's epochs


def best_tried(search: Bilevel, space: CellSpace, seed: int) -> Cells:
    """The suggestion with the least loss on the half that chooses, after a training on the other."""
    heaviest = [derive(search.choices, COLLAPSED), derive(search.choices, COLLAPSED, FREE)]
    draw = random.Random(f"{seed}/trying")
    suggested = [*heaviest, *_drawn(search, draw), derive_by_loss(search, seed, COLLAPSED)]
    distinct = {space.key(written(search.choices, cells)): cells for cells in suggested}
    losses = {key: _loss_alone(search, space, cells, seed) for key, cells in distinct.items()}
    return distinct[min(losses, key=lambda key: losses[key])]


def _drawn(search: Bilevel, draw: random.Random) -> list[Cells]:
    """By shares, among those with skips on no more than half of the edges."""
    found: list[Cells] = []
    for _ in range(10 * DRAWN):
        cells = [_draw_cell(cells, weights.detach().softmax(dim=1), layout, draw) for cells, (layout, weights)
                 in zip(derive(search.choices, COLLAPSED), search.choices, strict=True)]  # fmt: skip
        if share_of_skips(search.choices, cells) <= COLLAPSED:
            found.append(cells)
    return found[:DRAWN]


def _draw_cell(cell: dict[Edge, str], shares: Tensor, layout: CellLayout, draw: random.Random) -> dict[Edge, str]:
    return {
        edge: _draw_operation(shares[layout.edges.index(edge)].tolist(), layout.operations, draw) for edge in cell
    }


def _draw_operation(shares: list[float], names: tuple[str, ...], draw: random.Random) -> str:
    known = [(name, share) for name, share in zip(names, shares, strict=True) if name != NONE]
    return draw.choices([name for name, _ in known], [share for _, share in known])[0]


def _loss_alone(search: Bilevel, space: CellSpace, cells: Cells, seed: int) -> float:
    spec, recipe = space.architecture(written(search.choices, cells)), search.recipe
    network = SubNetwork(spec, SharedWeights([spec], seed))
    epochs = max(1, round(LENGTH * recipe.epochs))
    sgd = torch.optim.SGD(network.parameters(), recipe.learning_rate, MOMENTUM, nesterov=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(sgd, epochs)
    shuffle = torch.Generator().manual_seed(seed)
    network.train()
    for _ in range(epochs):
        order = search.train_rows[torch.randperm(len(search.train_rows), generator=shuffle)]
        for rows in torch.split(order, recipe.batch_size):
            sgd.zero_grad()
            search.loss(network(search.x[rows]), search.y[rows]).backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), recipe.gradient_clip or float("inf"))
            sgd.step()
        schedule.step()
    network.recalibrate(search.x[search.train_rows])
    with torch.no_grad():
        return float(search.loss(network(search.x[search.choice_rows]), search.y[search.choice_rows]))
