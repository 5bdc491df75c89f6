"""DARTS: operations weighed against each other by gradient (Liu et al., 2019, arXiv:1806.09055).

Its known failure is to end with skip connections, or with other operations without weights, on nearly every edge,
for these train fastest. It is detected by the share of skips among the edges of the cell that the weights tell, and
countered: operations are weighed only once the weights have warmed up; an auxiliary skip stands beside each edge
that has one to choose, its weight falling from 1 to 0 over the search (DARTS-, Chu et al., 2021, arXiv:2009.01027,
section 3.2), so that a skip's own weight does not tell how well gradients flow; and the weights do not decide alone:
see `trying`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.sharing.bilevel import CHOICE_RATE, Bilevel
from neuromosaic.core.evaluation.sharing.derivation import COLLAPSED, derive, share_of_skips, told, written
from neuromosaic.core.evaluation.sharing.trying import best_tried
from neuromosaic.core.space.cells.spaces import CellSpace
from neuromosaic.core.space.parameters import Point


@dataclass(frozen=True)
class Derived:
    """What a differentiable search ends with.

    `point` of the space; `plain`, what the weights of the operations alone tell. `skips`: the share of skips among
    the edges that `plain` has, at most over the cells; `history`, the same after each epoch. `collapsed`: whether it
    was above half of the edges. `losses` of the weights' half, by epoch; `weights`: by edge, each operation's share.
    """

    point: Point
    plain: Point
    skips: float
    collapsed: bool
    history: tuple[float, ...]
    losses: tuple[float, ...]
    weights: Mapping[str, Mapping[str, float]]


def search_differentiably(
    space: CellSpace, x: Tensor, y: Tensor, recipe: Recipe, *, seed: int, order: Literal[1, 2] = 1,
    countered: bool = True, choice_rate: float = CHOICE_RATE,
) -> Derived:  # fmt: skip
    """Trains every operation of every edge at once, and their weights on the other half of the data.

    `x` [n, ...] and `y` as for training. Of the recipe count epochs (each sees every example once, as one half or
    the other), batch size, learning rate (of SGD with momentum, cosine to zero), gradient clip and loss. `order` 2
    differentiates through one step of the weights' own training (section 2.3, equations 7 and 8). `countered` False
    is plain DARTS, but for the warm-up. As there, `none` takes part and is never derived. Raises SpaceError for a
    space that does not draw its whole network.
    """
    search = Bilevel(space, x, y, recipe, seed, order, countered, choice_rate)
    losses, history = [], []
    for _ in range(max(1, round(recipe.epochs))):
        losses.append(search.epoch())
        history.append(share_of_skips(search.choices, derive(search.choices, None)))
    plain, weights = derive(search.choices, None), told(search.choices)
    skips = share_of_skips(search.choices, plain)
    cells = best_tried(search, space, seed) if countered else plain
    return Derived(
        written(search.choices, cells), written(search.choices, plain), skips, skips > COLLAPSED, tuple(history),
        tuple(losses), weights,
    )  # fmt: skip
