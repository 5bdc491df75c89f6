"""Which operation an edge needs: the one without which the trained whole loses most.

Wang et al., 2021, arXiv:2108.04392, section 4: the weights of a trained whole say little about that; skips and
pooling have large ones because they are trained from the start.
"""

import random

from neuromosaic.core.evaluation.sharing.bilevel import Bilevel
from neuromosaic.core.evaluation.sharing.derivation import Cells
from neuromosaic.core.space.cells.layout import NONE, CellLayout, Edge

TUNED = 2  # epochs of the weights after each decision


def derive_by_loss(search: Bilevel, seed: int, most_skips: float) -> Cells:
    """Decides edge after edge in random order, each time the weights are trained on; then, where nodes choose, their
    edges in the same way. At most the share `most_skips` of a cell's edges are skips. The search's weights change.
    """
    cells: Cells = [{} for _ in search.choices]
    order = [(cell, edge) for cell, (layout, _) in enumerate(search.choices) for edge in range(len(layout.edges))]
    random.Random(f"{seed}/perturbation").shuffle(order)
    rate = search.recipe.learning_rate / 10
    for cell, edge in order:
        layout = search.choices[cell].layout
        name = _needed(search, cell, edge, _allowed(layout, cells[cell], edge, most_skips))
        cells[cell][layout.edges[edge]] = name
        for operation, other in enumerate(layout.operations):
            search.masked[cell, edge, operation] = float(other == name)
        search.tune(TUNED, rate)
    return [_chosen(search, cell, layout, cells[cell]) for cell, (layout, _) in enumerate(search.choices)]


def _allowed(layout: CellLayout, cell: dict[Edge, str], edge: int, most_skips: float) -> list[str]:
    kept = len(layout.edges) if layout.choose is None else layout.choose * layout.nodes
    skips = sum(layout.is_skip(known, name) for known, name in cell.items())
    full = skips + 1 > most_skips * kept
    found = [name for name in layout.operations
             if name != NONE and not (full and layout.is_skip(layout.edges[edge], name))]  # fmt: skip
    return found or [name for name in layout.operations if name != NONE]


def _needed(search: Bilevel, cell: int, edge: int, names: list[str]) -> str:
    losses = {}
    for name in names:
        place = cell, edge, search.choices[cell].layout.operations.index(name)
        search.masked[place] = 0.0
        losses[name] = search.held_loss()
        del search.masked[place]
    return max(losses, key=lambda name: losses[name])


def _chosen(search: Bilevel, cell: int, layout: CellLayout, every: dict[Edge, str]) -> dict[Edge, str]:
    """Of each node the edges without which the whole loses most."""
    if layout.choose is None:
        return {edge: every[edge] for edge in layout.edges}
    kept: list[Edge] = []
    for node in layout.inner:
        losses = {edge: _loss_without(search, cell, layout, edge, every[edge]) for edge in every if edge[1] == node}
        kept += sorted(losses, key=lambda edge: -losses[edge])[: layout.choose]
    return {edge: every[edge] for edge in sorted(kept)}


def _loss_without(search: Bilevel, cell: int, layout: CellLayout, edge: Edge, name: str) -> float:
    place = cell, layout.edges.index(edge), layout.operations.index(name)
    search.masked[place] = 0.0
    loss = search.held_loss()
    search.masked[place] = 1.0
    return loss
