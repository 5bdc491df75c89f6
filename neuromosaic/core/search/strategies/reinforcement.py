"""Reinforcement learning: a recurrent controller writes points, and learns from what they earn."""

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.strategies.evolution import AtLeastTwo
from neuromosaic.core.search.strategies.memory import Memory, Metrics
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.space import SearchSpace

if TYPE_CHECKING:
    from neuromosaic.core.search.controller import Controller

TRIES = 10  # points that the controller writes until one is valid and new


class ReinforcementLearning:
    """A recurrent controller with a value head (Zoph and Le, 2017, arXiv:1611.01578, section 3.2), by policy
    gradient with clipped ratios (Schulman et al., 2017, arXiv:1707.06347).

    The controller writes one parameter after the other; numbers in up to 10 bins. Every `batch_size` trials it
    learns from these: the reward of a trial is its rank among all so far, from -1 to 1, less what the value head
    expected. `entropy` weighs how long it keeps trying; `learning_rate` is Adam's.
    """

    def __init__(
        self,
        seed: int,
        objectives: Objectives,
        *,
        batch_size: AtLeastTwo = 10,
        learning_rate: Annotated[float, Field(gt=0)] = 0.01,
        entropy: Annotated[float, Field(ge=0)] = 0.02,
    ) -> None:
        self._seed, self._objectives, self._batch = seed, objectives, batch_size
        self._rate, self._entropy = learning_rate, entropy
        self._memory, self._learnt = Memory(), 0
        self._controller: Controller | None = None
        self.fallbacks = 0

    def suggest(self, space: SearchSpace, trial_number: int) -> Point:
        draw = random.Random(f"{self._seed}/reinforcement_learning/{trial_number}")
        controller = self._taught(space)
        for _ in range(TRIES):
            point = controller.write(draw)
            if space.contains(point) and not self._memory.knows(point):
                return point
        self.fallbacks += 1
        return self._memory.fresh(space, draw)

    def update(self, architecture: Point, metrics: Metrics) -> None:
        self._memory.tell(architecture, metrics)

    def pending(self, points: Sequence[Point]) -> None:
        self._memory.await_(points)

    def _taught(self, space: SearchSpace) -> "Controller":
        """The controller after every whole batch told so far."""
        from neuromosaic.core.search.controller import Controller

        if self._controller is None:
            self._controller = Controller(space, self._seed, self._rate, self._entropy)
        while self._learnt + self._batch <= len(self._memory):
            end = self._learnt + self._batch
            self._controller.learn(self._memory.points[self._learnt : end], self._rewards(end))
            self._learnt = end
        return self._controller

    def _rewards(self, end: int) -> list[float]:
        from scipy.stats import rankdata

        ranks = rankdata(self._objectives.scores(self._memory.metrics[:end]))
        found: list[float] = (2 * (ranks - 0.5) / end - 1)[self._learnt :].tolist()
        return found
