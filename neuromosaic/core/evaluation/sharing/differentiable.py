"""DARTS: operations weighed against each other by gradient (Liu et al., 2019, arXiv:1806.09055).

Its known failure is to end with skip connections on nearly every edge, for they train fastest. It is countered by an
auxiliary skip beside each edge that has one to choose, whose weight falls from 1 to 0 over the search (DARTS-, Chu et
al., 2021, arXiv:2009.01027, section 3.2): a skip's own weight then no longer tells how well gradients flow. It is
detected by the share of skips among the edges of the cell; what is left of it in the end is restrained to half of
the edges (DARTS+, Liang et al., 2019, arXiv:1909.06035, section 3.3, limits their number as well).
"""

import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from neuromosaic.core.errors import SpaceError
from neuromosaic.core.evaluation.losses import LossFunction, loss_function
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.sharing.subnetwork import SubNetwork
from neuromosaic.core.evaluation.sharing.weights import SharedWeights
from neuromosaic.core.space.cells.layout import NONE, CellLayout, Edge
from neuromosaic.core.space.cells.spaces import CellSpace
from neuromosaic.core.space.parameters import Point

COLLAPSED = 0.5  # share of skips among a cell's edges above which it counts as collapsed
MOMENTUM, DECAY = 0.9, 3e-4
CHOICE_RATE, CHOICE_DECAY, CHOICE_BETAS = 2e-2, 1e-3, (0.5, 0.999)
WARM_UP = 0.4  # share of the steps before operations are weighed: convolutions learn later than what has no weights
FINITE = 0.01


class Choices(NamedTuple):
    """`weights` of one cell's operations [edges, operations], before the softmax."""

    layout: CellLayout
    weights: nn.Parameter


@dataclass(frozen=True)
class Derived:
    """What a differentiable search ends with.

    `point` of the space; `plain`, the same without any restraint on skips. `skips`: the share of skips among the
    edges that `plain` has, at most over the cells; `history`, the same after each epoch. `collapsed`: whether it was
    above half of the edges. `losses` of the weights' half, by epoch; `weights` by edge name: shares per operation.
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
    auxiliary: bool = True, choice_rate: float = CHOICE_RATE,
) -> Derived:  # fmt: skip
    """Trains every operation of every edge at once, and their weights on the other half of the data.

    `x` [n, ...] and `y` as for training. Of the recipe count epochs (each sees every example once, as one half or
    the other), batch size, learning rate (of SGD with momentum, cosine to zero), gradient clip and loss. `order` 2
    differentiates through one step of the weights' own training (section 2.3, equations 7 and 8). `auxiliary` False
    leaves the counter to collapse out. As there, `none` takes part and is never derived. Raises SpaceError for a
    space that does not draw its whole network.
    """
    search = _Search(space, x, y, recipe, seed, order, auxiliary, choice_rate)
    losses, history = [], []
    for epoch in range(max(1, round(recipe.epochs))):
        losses.append(search.epoch(epoch))
        history.append(_share_of_skips(search.choices, _derive(search.choices, None)))
    plain, point = _derive(search.choices, None), _derive(search.choices, COLLAPSED)
    skips = _share_of_skips(search.choices, plain)
    return Derived(
        _written(search.choices, point), _written(search.choices, plain), skips, skips > COLLAPSED,
        tuple(history), tuple(losses), _told(search.choices),
    )  # fmt: skip


class _Search:
    """The state of one search: the whole network, its choices, both optimisers."""

    def __init__(
        self, space: CellSpace, x: Tensor, y: Tensor, recipe: Recipe, seed: int, order: int, auxiliary: bool,
        choice_rate: float,
    ) -> None:  # fmt: skip
        if getattr(space, "whole", None) is None:
            raise SpaceError(
                f"{space.name or 'this space'} draws no whole network: use one of cells (nasbench201, darts)"
            )
        spec = space.whole()  # type: ignore[misc]
        self.shared = SharedWeights([spec], seed)
        self.network = SubNetwork(spec, self.shared)
        self.choices = [_choices(layout, seed) for layout in space.layouts]
        self.ends = _ends(self.network, self.choices)
        self.x, self.y, self.recipe, self.order, self.auxiliary = x, y, recipe, order, auxiliary
        self.loss: LossFunction = loss_function(recipe, x.device)
        self.parameters = list(self.network.parameters())
        self.alphas = [one.weights for one in self.choices]
        self.sgd = torch.optim.SGD(self.parameters, recipe.learning_rate, MOMENTUM, weight_decay=DECAY)
        self.adam = torch.optim.Adam(self.alphas, choice_rate, CHOICE_BETAS, weight_decay=CHOICE_DECAY)
        self.order_of_rows = torch.Generator().manual_seed(random.Random(f"{seed}/darts").getrandbits(63))
        halves = torch.randperm(len(x), generator=self.order_of_rows).tensor_split(2)
        self.train_rows, self.choice_rows = halves
        self.steps = math.ceil(len(self.train_rows) / recipe.batch_size) * max(1, round(recipe.epochs))
        self.done = 0

    def epoch(self, number: int) -> float:
        total, batches = 0.0, 0
        self.network.train()
        for rows, others in self._batches():
            progress = self.done / self.steps
            self.beta = 1 - progress if self.auxiliary else 0.0
            rate = self.recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))
            self.sgd.param_groups[0]["lr"] = rate
            if progress >= WARM_UP:
                self._choose(rows, others, rate)
            total += self._train(rows)
            batches += 1
            self.done += 1
        return total / batches

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        size = self.recipe.batch_size
        several = [torch.split(half[torch.randperm(len(half), generator=self.order_of_rows)], size)
                   for half in (self.train_rows, self.choice_rows)]  # fmt: skip
        return zip(*several, strict=False)

    def _train(self, rows: Tensor) -> float:
        self.sgd.zero_grad()
        loss = self._loss(rows)
        gradients = torch.autograd.grad(loss, self.parameters, materialize_grads=True)
        for weight, gradient in zip(self.parameters, gradients, strict=True):
            weight.grad = gradient
        if self.recipe.gradient_clip is not None:
            nn.utils.clip_grad_norm_(self.parameters, self.recipe.gradient_clip)
        self.sgd.step()
        return float(loss.detach())

    def _choose(self, rows: Tensor, others: Tensor, rate: float) -> None:
        """A step of the choices: down their gradient of the loss on the other half."""
        gradients = self._second_order(rows, others, rate) if self.order == 2 else self._gradients(others)
        for alpha, gradient in zip(self.alphas, gradients, strict=True):
            alpha.grad = gradient
        self.adam.step()

    def _gradients(self, rows: Tensor) -> list[Tensor]:
        return list(torch.autograd.grad(self._loss(rows), self.alphas, materialize_grads=True))

    def _second_order(self, rows: Tensor, others: Tensor, rate: float) -> list[Tensor]:
        """d L_choice(w - rate * dL_train/dw) / d alpha, the product with the Hessian by finite differences."""
        held = [weight.detach().clone() for weight in self.parameters]
        gradients = torch.autograd.grad(self._loss(rows), self.parameters, materialize_grads=True)
        with torch.no_grad():
            for weight, gradient in zip(self.parameters, gradients, strict=True):
                weight.sub_(rate * (gradient + DECAY * weight + MOMENTUM * self._velocity(weight)))
        both = torch.autograd.grad(self._loss(others), [*self.alphas, *self.parameters], materialize_grads=True)
        direct, vector = both[: len(self.alphas)], both[len(self.alphas) :]
        step = FINITE / float(torch.stack([part.norm() for part in vector]).norm().clamp_min(1e-12))
        up = self._displaced(held, vector, step, rows)
        down = self._displaced(held, vector, -step, rows)
        self._place(held)
        products = [(one - other) / (2 * step) for one, other in zip(up, down, strict=True)]
        return [one - rate * product for one, product in zip(direct, products, strict=True)]

    def _displaced(self, held: list[Tensor], vector: tuple[Tensor, ...], step: float, rows: Tensor) -> list[Tensor]:
        self._place([weight + step * part for weight, part in zip(held, vector, strict=True)])
        return self._gradients(rows)

    def _place(self, values: list[Tensor]) -> None:
        with torch.no_grad():
            for weight, value in zip(self.parameters, values, strict=True):
                weight.copy_(value)

    def _velocity(self, weight: Tensor) -> Tensor:
        velocity: Tensor | None = self.sgd.state[weight].get("momentum_buffer")
        return torch.zeros_like(weight) if velocity is None else velocity

    def _loss(self, rows: Tensor) -> Tensor:
        return self.loss(self.network(self.x[rows], scales=self._scales()), self.y[rows])

    def _scales(self) -> dict[str, Tensor]:
        shares = [one.weights.softmax(dim=1) for one in self.choices]
        return {
            name: shares[cell][edge, operation] + (self.beta if skips else 0.0)
            for name, (cell, edge, operation, skips) in self.ends.items()
        }


class _End(NamedTuple):
    """Which choice weighs what the last layer of a branch returns, and whether that is the branch's own input."""

    cell: int
    edge: int
    operation: int
    skips: bool


def _choices(layout: CellLayout, seed: int) -> Choices:
    draw = torch.Generator().manual_seed(random.Random(f"{seed}/choices/{layout.prefix}").getrandbits(63))
    shape = len(layout.edges), len(layout.operations)
    return Choices(layout, nn.Parameter(1e-3 * torch.randn(shape, generator=draw)))


def _ends(network: SubNetwork, choices: list[Choices]) -> dict[str, _End]:
    """By the name of the last layer of each operation's branch."""
    known: dict[tuple[str, str], _End] = {}
    for cell, (layout, _) in enumerate(choices):
        for number, edge in enumerate(layout.edges):
            for place, name in enumerate(layout.operations):
                end = _End(cell, number, place, layout.is_skip(edge, name))
                known[f"{layout.prefix}{edge[0]}_{edge[1]}", name] = end
    last: dict[str, str] = {}
    for layer in network.spec.layers:
        if network.spec.metadata["places"].get(layer.name, "").count("/") == 2:
            last[network.spec.metadata["places"][layer.name]] = layer.name
    return {name: known[place.split("/")[1], place.split("/")[2]] for place, name in last.items()}


Cells = list[dict[Edge, str]]


def _derive(choices: list[Choices], most_skips: float | None) -> Cells:
    return [_derive_cell(layout, weights.detach().softmax(dim=1), most_skips) for layout, weights in choices]


def _derive_cell(layout: CellLayout, shares: Tensor, most_skips: float | None) -> dict[Edge, str]:
    """The heaviest operation of each edge, `none` aside; of the edges the heaviest where nodes choose them."""
    banned: set[Edge] = set()
    while True:
        best = {edge: _best(layout, edge, shares[number], edge in banned) for number, edge in enumerate(layout.edges)}
        cell = {edge: name for edge, (name, _) in best.items() if edge in _kept(layout, best)}
        skips = [edge for edge, name in cell.items() if layout.is_skip(edge, name)]
        if most_skips is None or len(skips) <= most_skips * len(cell) or len(layout.operations) < 2:
            return cell
        banned.add(min(skips, key=lambda edge: best[edge][1]))


def _best(layout: CellLayout, edge: Edge, shares: Tensor, no_skip: bool) -> tuple[str, float]:
    found = [(float(share), name) for name, share in zip(layout.operations, shares, strict=True)
             if name != NONE and not (no_skip and layout.is_skip(edge, name))]  # fmt: skip
    share, name = max(found)
    return name, share


def _kept(layout: CellLayout, best: Mapping[Edge, tuple[str, float]]) -> set[Edge]:
    if layout.choose is None:
        return set(best)
    kept: set[Edge] = set()
    for node in layout.inner:
        into = sorted((edge for edge in best if edge[1] == node), key=lambda edge: -best[edge][1])
        kept |= set(into[: layout.choose])
    return kept


def _share_of_skips(choices: list[Choices], cells: Cells) -> float:
    return max(
        sum(layout.is_skip(edge, name) for edge, name in cell.items()) / len(cell)
        for (layout, _), cell in zip(choices, cells, strict=True)
    )


def _written(choices: list[Choices], cells: Cells) -> Point:
    point: Point = {}
    for (layout, _), cell in zip(choices, cells, strict=True):
        point |= layout.write(cell)
    return point


def _told(choices: list[Choices]) -> dict[str, dict[str, float]]:
    return {
        f"{layout.prefix}{start}_{end}": dict(zip(layout.operations, row.tolist(), strict=True))
        for layout, weights in choices
        for (start, end), row in zip(layout.edges, weights.detach().softmax(dim=1), strict=True)
    }
