"""From the weights of operations to cells, and the share of skips among their edges."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from neuromosaic.core.space.cells.layout import NONE, CellLayout, Edge
from neuromosaic.core.space.parameters import Point

COLLAPSED = 0.5
"""Share of skips among a cell's edges above which it counts as collapsed."""


class Choices(NamedTuple):
    """`weights` of one cell's operations [edges, operations], before the softmax."""

    layout: CellLayout
    weights: nn.Parameter


Cells = list[dict[Edge, str]]


def derive(choices: list[Choices], most_skips: float | None, without: tuple[str, ...] = ()) -> Cells:
    """The heaviest operations; `without` those that have one of these in their names, where there are others."""
    return [_derive_cell(layout, weights.detach().softmax(dim=1), most_skips, without) for layout, weights in choices]


def _derive_cell(
    layout: CellLayout, shares: Tensor, most_skips: float | None, without: tuple[str, ...]
) -> dict[Edge, str]:
    """The heaviest operation of each edge, `none` aside; of the edges the heaviest where nodes choose them."""
    shares = _less(layout, shares, without)
    banned: set[Edge] = set()
    while True:
        best = {edge: _best(layout, edge, shares[number], edge in banned) for number, edge in enumerate(layout.edges)}
        cell = {edge: name for edge, (name, _) in best.items() if edge in kept_edges(layout, best)}
        skips = [edge for edge, name in cell.items() if layout.is_skip(edge, name)]
        if most_skips is None or len(skips) <= most_skips * len(cell) or len(layout.operations) < 2:
            return cell
        banned.add(min(skips, key=lambda edge: best[edge][1]))


def _less(layout: CellLayout, shares: Tensor, without: tuple[str, ...]) -> Tensor:
    kept = [not any(word in name for word in without) for name in layout.operations]
    left = any(keep and name != NONE for keep, name in zip(kept, layout.operations, strict=True))
    return shares * torch.tensor(kept) if left else shares


def _best(layout: CellLayout, edge: Edge, shares: Tensor, no_skip: bool) -> tuple[str, float]:
    found = [(float(share), name) for name, share in zip(layout.operations, shares, strict=True)
             if name != NONE and not (no_skip and layout.is_skip(edge, name))]  # fmt: skip
    share, name = max(found)
    return name, share


def kept_edges(layout: CellLayout, best: Mapping[Edge, tuple[str, float]]) -> set[Edge]:
    if layout.choose is None:
        return set(best)
    kept: set[Edge] = set()
    for node in layout.inner:
        into = sorted((edge for edge in best if edge[1] == node), key=lambda edge: -best[edge][1])
        kept |= set(into[: layout.choose])
    return kept


def share_of_skips(choices: list[Choices], cells: Cells) -> float:
    return max(
        sum(layout.is_skip(edge, name) for edge, name in cell.items()) / len(cell)
        for (layout, _), cell in zip(choices, cells, strict=True)
    )


def written(choices: list[Choices], cells: Cells) -> Point:
    point: Point = {}
    for (layout, _), cell in zip(choices, cells, strict=True):
        point |= layout.write(cell)
    return point


def told(choices: list[Choices]) -> dict[str, dict[str, float]]:
    return {
        f"{layout.prefix}{start}_{end}": dict(zip(layout.operations, row.tolist(), strict=True))
        for layout, weights in choices
        for (start, end), row in zip(layout.edges, weights.detach().softmax(dim=1), strict=True)
    }
