"""The two levels of differentiable search: steps of the weights, and of the operations' shares."""

import math
import random
from collections.abc import Iterator
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from neuromosaic.core.errors import SpaceError
from neuromosaic.core.evaluation.losses import LossFunction, loss_function
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.sharing.derivation import Choices
from neuromosaic.core.evaluation.sharing.subnetwork import SubNetwork
from neuromosaic.core.evaluation.sharing.weights import SharedWeights
from neuromosaic.core.space.cells.layout import CellLayout
from neuromosaic.core.space.cells.spaces import CellSpace

MOMENTUM: Final = 0.9
DECAY: Final = 3e-4
CHOICE_RATE, CHOICE_DECAY, CHOICE_BETAS = 5e-3, 1e-3, (0.5, 0.999)
FINITE = 0.01
HELD_BATCH = 256
WARM_UP = 0.4  # share of the steps before operations are weighed: convolutions learn later than what has no weights


class Bilevel:
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
        self.done, self.beta = 0, 1.0 if auxiliary else 0.0
        self.masked: dict[tuple[int, int, int], float] = {}
        """Factors by (cell, edge, operation) that hold whatever the shares are: 0 without it, 1 alone."""

    def epoch(self) -> float:
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

    def tune(self, epochs: int, rate: float) -> None:
        """Trains the weights alone, on their half."""
        self.network.train()
        self.sgd.param_groups[0]["lr"] = rate
        for _ in range(epochs):
            for rows, _others in self._batches():
                self._train(rows)

    def held_loss(self) -> float:
        """On the half that the weights do not train on, with the batch's own statistics."""
        with torch.no_grad():
            batches = self.choice_rows.split(HELD_BATCH)  # type: ignore[no-untyped-call]
            return sum(float(self._loss(rows)) * len(rows) for rows in batches) / len(self.choice_rows)

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
        return {name: self._scale(shares, end) for name, end in self.ends.items()}

    def _scale(self, shares: list[Tensor], end: "End") -> Tensor:
        share = shares[end.cell][end.edge, end.operation]
        if (factor := self.masked.get(end[:3])) is not None:
            return torch.full_like(share, factor)
        return share + (self.beta if end.skips else 0.0)


class End(NamedTuple):
    """Which choice weighs what the last layer of a branch returns, and whether that is the branch's own input."""

    cell: int
    edge: int
    operation: int
    skips: bool


def _choices(layout: CellLayout, seed: int) -> Choices:
    draw = torch.Generator().manual_seed(random.Random(f"{seed}/choices/{layout.prefix}").getrandbits(63))
    shape = len(layout.edges), len(layout.operations)
    return Choices(layout, nn.Parameter(1e-3 * torch.randn(shape, generator=draw)))


def _ends(network: SubNetwork, choices: list[Choices]) -> dict[str, End]:
    """By the name of the last layer of each operation's branch."""
    known: dict[tuple[str, str], End] = {}
    for cell, (layout, _) in enumerate(choices):
        for number, edge in enumerate(layout.edges):
            for place, name in enumerate(layout.operations):
                end = End(cell, number, place, layout.is_skip(edge, name))
                known[f"{layout.prefix}{edge[0]}_{edge[1]}", name] = end
    last: dict[str, str] = {}
    for layer in network.spec.layers:
        if network.spec.metadata["places"].get(layer.name, "").count("/") == 2:
            last[network.spec.metadata["places"][layer.name]] = layer.name
    return {name: known[place.split("/")[1], place.split("/")[2]] for place, name in last.items()}
