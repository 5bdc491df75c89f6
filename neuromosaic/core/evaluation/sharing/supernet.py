"""A space as one network: trained path by path, it tells what each of its networks would be worth."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

import torch
from torch import Tensor, nn

from neuromosaic.core.architecture.spec import ArchitectureSpec
from neuromosaic.core.brief import Contract
from neuromosaic.core.errors import SpaceError
from neuromosaic.core.evaluation.loop import steps_in
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.sharing.fairness import fair_points, shrinking_points
from neuromosaic.core.evaluation.sharing.subnetwork import SubNetwork
from neuromosaic.core.evaluation.sharing.weights import SharedWeights
from neuromosaic.core.evaluation.training import Cause, predict, train
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.space import SearchSpace

SURVEYED: Final = 256
CALIBRATED_ON: Final = 512
KEPT = 256  # networks whose modules stay at hand


class Supernet:
    """The shared weights of any space whose points mean `ArchitectureSpec`s, and its networks that borrow them.

    Which weights there are is learnt from a sample of the space (all of it where it is small). Raises SpaceError for
    a space of anything but specs.
    """

    def __init__(self, space: SearchSpace, seed: int = 0, surveyed: int = SURVEYED) -> None:
        self.space = space
        self._networks: dict[str, SubNetwork] = {}
        self.weights = SharedWeights(_sample(space, surveyed, seed), seed)

    def network(self, point: Point) -> SubNetwork:
        """The point's network; its weights are the supernet's own."""
        key = self.space.key(point)
        if key not in self._networks:
            if len(self._networks) >= KEPT:
                self._networks.pop(next(iter(self._networks)))
            self._networks[key] = self.borrow(self.space.architecture(point))
        return self._networks[key]

    def borrow(self, spec: ArchitectureSpec) -> SubNetwork:
        return SubNetwork(spec, self.weights)

    def outputs(self, point: Point, calibration: Tensor, x: Tensor) -> Tensor:
        """What the untrained network predicts for `x` [n, ...] once its norms were set on `calibration` [m, ...].

        float32 on the CPU, as `predict` gives it.
        """
        network = self.network(point)
        network.recalibrate(_fast(calibration))
        return predict(network, _fast(x))


def train_supernet(
    supernet: Supernet, x: Tensor, y: Tensor, recipe: Recipe, contract: Contract, *, seed: int, fidelity: float = 1.0,
    progressive: bool = False,
) -> tuple[Cause, list[float]]:  # fmt: skip
    """Trains the shared weights for `fidelity` of the recipe: each step one network, fairly drawn, one batch.

    By `train`, the loop of single networks. `progressive`: large networks first, smaller ones later on. Returns how
    it ended and the mean loss of each epoch, over all networks that it trained. The same seed gives the same weights.
    """
    steps = steps_in(len(x), recipe, fidelity)
    points = shrinking_points(supernet.space, seed, steps) if progressive else fair_points(supernet.space, seed)
    paths, losses = _Paths(supernet, points), list[float]()

    def report(
        epoch: int, of: int, train_loss: float, seconds: float, outputs: Tensor, terms: dict[str, float]
    ) -> tuple[bool, bool]:  # fmt: skip
        losses.append(train_loss)
        return False, False

    trained = train(
        paths, x, y, recipe, fidelity=fidelity, seed=seed, device="cpu", validation_x=x[:2], contract=contract,
        report=report,
    )  # fmt: skip
    if recipe.averaging and trained.weights:
        paths.load_state_dict(trained.weights)
    return trained.cause, losses


class _Paths(nn.Module):
    """To the training loop one module; each forward pass in train mode goes through the next network."""

    def __init__(self, supernet: Supernet, points: Iterator[Point]) -> None:
        super().__init__()
        self.weights = supernet.weights
        self._supernet, self._points = supernet, points
        self._now = [supernet.network(next(points))]  # in a list: its weights are no weights besides

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self._now = [self._supernet.network(next(self._points))]
        outputs: Tensor = self._now[0].train(self.training)(x)
        return outputs


def _fast(x: Tensor) -> Tensor:
    """Images channels last: see `layout`."""
    return x.to(memory_format=torch.channels_last) if x.ndim == 4 else x


def _sample(space: SearchSpace, count: int, seed: int) -> Iterable[ArchitectureSpec]:
    size = space.size()
    few = size is not None and size <= count
    points = space.enumerate() if few else islice(fair_points(space, seed), count)  # each choice is there
    whole = getattr(space, "whole", None)
    specs = [*([whole()] if whole else []), *map(space.architecture, points)]
    for spec in specs:
        if not isinstance(spec, ArchitectureSpec):
            raise SpaceError(
                f"a supernet takes a space of ArchitectureSpecs; a point here is a {type(spec).__name__}"
            )
    return specs
