"""The recurrent controller of the reinforcement-learning strategy."""

import random
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from neuromosaic.core.search.coordinates import Coordinates, is_choice
from neuromosaic.core.space.domains import numbers_at
from neuromosaic.core.space.parameters import (
    FloatParameter,
    IntParameter,
    Parameter,
    Point,
    Scalar,
    choices,
    is_active,
    parents_first,
)
from neuromosaic.core.space.space import SearchSpace

BINS = 10  # of a float, or of more values in an order
HIDDEN = 32
PASSES = 4  # over each batch
CLIP = 0.2  # how far a probability's ratio counts (Schulman et al., 2017)


class Steps(NamedTuple):
    """What the controller did when it wrote points, and expected of them: [n] each, float32."""

    log_probability: Tensor
    entropy: Tensor
    value: Tensor


class Controller(nn.Module):
    """An LSTM over the parameters in the order of their conditions; after each it chooses a value, or a bin.

    Weights begin from `seed` alone, whatever torch's global generator holds.
    """

    def __init__(self, space: SearchSpace, seed: int, rate: float, entropy: float) -> None:
        super().__init__()
        self._parameters_by_name = dict(space.parameters)
        self._order = parents_first(self._parameters_by_name)
        self._counts = {name: bins(space.parameters[name]) for name in self._order}
        self._coordinates = {
            name: Coordinates({name: _unconditional(space.parameters[name])}) for name in self._order
        }
        self._entropy = entropy
        starts = np.cumsum([0, *self._counts.values()])
        self._starts = dict(zip(self._order, starts.tolist(), strict=False))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self._words = nn.Embedding(int(starts[-1]) + 1, HIDDEN)
            self._cell = nn.LSTMCell(HIDDEN, HIDDEN)
            self._policy = nn.ModuleDict(
                {str(number): nn.Linear(HIDDEN, count) for number, count in self._numbered()}
            )
            self._value = nn.Linear(HIDDEN, 1)
        self._optimizer = torch.optim.Adam(self.parameters(), lr=rate)

    def _numbered(self) -> list[tuple[int, int]]:
        return list(enumerate(self._counts.values()))

    # ------------------------------------------------------------ writing

    @torch.no_grad()
    def write(self, draw: random.Random) -> Point:
        """A point drawn from the policy; conditions are met, constraints may not be."""
        point: Point = {}
        state, word = self._begin()
        for number, name in enumerate(self._order):
            if is_active(self._parameters_by_name[name], point):
                state = self._cell(self._words(torch.tensor([word])), state)
                weights = torch.softmax(self._policy[str(number)](state[0])[0], dim=0).tolist()
                chosen = draw.choices(range(len(weights)), weights)[0]
                point[name] = drawn_from(self._parameters_by_name[name], chosen, self._counts[name], draw)
                word = self._starts[name] + chosen
        return {name: point[name] for name in self._parameters_by_name if name in point}

    def _begin(self) -> tuple[tuple[Tensor, Tensor], int]:
        return (torch.zeros(1, HIDDEN), torch.zeros(1, HIDDEN)), self._words.num_embeddings - 1

    # ------------------------------------------------------------ learning

    def learn(self, points: Sequence[Point], rewards: Sequence[float]) -> None:
        """Makes what earned more than expected likelier; rewards [n] from -1 to 1."""
        earned = torch.tensor(rewards)
        with torch.no_grad():
            before = self._likelihood(points).log_probability
        for _ in range(PASSES):
            loss = self._loss(self._likelihood(points), earned, before).mean()
            self._optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(self.parameters(), 1.0)
            self._optimizer.step()

    def _loss(self, steps: Steps, earned: Tensor, before: Tensor) -> Tensor:
        advantage = earned - steps.value.detach()
        ratio = torch.exp(torch.clamp(steps.log_probability - before, -20, 20))
        gain = torch.minimum(ratio * advantage, torch.clamp(ratio, 1 - CLIP, 1 + CLIP) * advantage)
        return 0.5 * (earned - steps.value) ** 2 - gain - self._entropy * steps.entropy

    def _likelihood(self, points: Sequence[Point]) -> Steps:
        """Of the whole points, summed over their parameters; the mean of what was expected at each."""
        count = len(points)
        state = torch.zeros(count, HIDDEN), torch.zeros(count, HIDDEN)
        words = torch.full((count,), self._words.num_embeddings - 1)
        total, entropy, value, length = (torch.zeros(count) for _ in range(4))
        for number, name in enumerate(self._order):
            there = torch.tensor([name in point for point in points])
            chosen = torch.tensor([self._bin(name, point[name]) if name in point else 0 for point in points])
            after = self._cell(self._words(words), state)
            state = torch.where(there[:, None], after[0], state[0]), torch.where(there[:, None], after[1], state[1])
            chances = torch.log_softmax(self._policy[str(number)](state[0]), dim=1)
            total = total + there * chances[torch.arange(count), chosen]
            entropy = entropy - there * (chances.exp() * chances).sum(dim=1)
            value = value + there * self._value(state[0])[:, 0]
            length, words = length + there, torch.where(there, self._starts[name] + chosen, words)
        return Steps(total, entropy, value / length.clamp(min=1))

    def _bin(self, name: str, value: Scalar) -> int:
        parameter, count = self._parameters_by_name[name], self._counts[name]
        place = float(self._coordinates[name].of([{name: value}])[0, 0])
        return int(place) if is_choice(parameter) else min(int(place * count), count - 1)


def bins(parameter: Parameter) -> int:
    """How many values the controller tells apart: all of a choice; of what has an order, up to `BINS`."""
    if isinstance(parameter, FloatParameter):
        return BINS
    count = len(choices(parameter))
    return count if is_choice(parameter) else min(count, BINS)


def drawn_from(parameter: Parameter, number: int, count: int, draw: random.Random) -> Scalar:
    """A value of the bin, drawn evenly on the parameter's own scale."""
    if is_choice(parameter):
        return choices(parameter)[number]
    share = (number + draw.random()) / count
    if isinstance(parameter, FloatParameter | IntParameter):
        found: Scalar = numbers_at(parameter, np.array([share])).tolist()[0]
        return found
    known = choices(parameter)
    return known[min(int(share * len(known)), len(known) - 1)]


def _unconditional(parameter: Parameter) -> Parameter:
    return parameter.model_copy(update={"when": None})
