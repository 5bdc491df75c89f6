"""The conformance suite of strategies finds those that break their contract."""

import random
from collections.abc import Mapping

import pytest

from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.strategies.random_search import RandomSearch
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.space import SearchSpace
from neuromosaic.testing.strategies import check_strategy


class Good(RandomSearch):
    """Two methods are enough."""


class Unseeded:
    def suggest(self, space: SearchSpace, trial_number: int) -> Point:
        return space.sample(random.Random())

    def update(self, architecture: Point, metrics: Mapping[str, float]) -> None:
        pass


class OneGenerator(Unseeded):
    """Its draws depend on how often it was asked before, which a resumed search does not repeat."""

    def __init__(self) -> None:
        self._draw = random.Random(0)

    def suggest(self, space: SearchSpace, trial_number: int) -> Point:
        return space.sample(self._draw)


class Outside(Unseeded):
    def suggest(self, space: SearchSpace, trial_number: int) -> Point:
        return dict.fromkeys(space.parameters, "a")


class Trusting(Good):
    def update(self, architecture: Point, metrics: Mapping[str, float]) -> None:
        assert metrics["value"] == metrics["value"], "it was told of a failed trial"


def test_a_sound_strategy_passes() -> None:
    check_strategy(Good)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (Unseeded, "the same seed and results give other points"),
        (OneGenerator, "resumed after 6 trials, it goes on otherwise"),
        (Outside, "mixed: trial 0 is outside the space"),
    ],
)
def test_a_broken_one_is_found(broken: type[Unseeded], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_strategy(lambda seed, objectives: broken())


def test_one_that_does_not_expect_failures_is_found() -> None:
    with pytest.raises((AssertionError, KeyError)):
        check_strategy(lambda seed, objectives: Trusting(seed, Objectives("value")))
