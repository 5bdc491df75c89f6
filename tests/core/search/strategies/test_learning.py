"""Reinforcement learning, progressive search and the portfolio learn from what they are told."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from neuromosaic.core.errors import SearchError, SearchExhausted
from neuromosaic.core.protocols import SearchStrategy
from neuromosaic.core.search.controller import Controller
from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.strategies.catalogue import make_strategy
from neuromosaic.core.search.strategies.portfolio import Portfolio
from neuromosaic.core.search.strategies.progressive import complexity
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.space import SearchSpace

VALUE = Objectives({"value": "max"})
CHOICES = SearchSpace({f"x{n}": {"type": "categorical", "values": list(range(5))} for n in range(6)})


def agreement(point: Point) -> float:
    """Up to 6: how many parameters have the value 3."""
    return float(sum(value == 3 for value in point.values()))


def searched(strategy: SearchStrategy, trials: int, value: Callable[[Point], float] = agreement) -> list[Point]:
    points = []
    for number in range(trials):
        points.append(strategy.suggest(CHOICES, number))
        strategy.update(points[-1], {"value": value(points[-1])})
    return points


@pytest.mark.no_cover
def test_the_controller_really_learns() -> None:
    values = list(map(agreement, searched(make_strategy("reinforcement_learning", 0, VALUE), 160)))
    assert np.mean(values[:40]) < 1.8  # by chance 1.2
    assert np.mean(values[-40:]) > np.mean(values[:40]) + 1.5


@pytest.mark.no_cover
def test_its_value_head_learns_what_to_expect() -> None:
    controller = Controller(CHOICES, seed=0, rate=0.01, entropy=0.0)
    points = CHOICES.sample_many(10, 0)
    for _ in range(25):
        controller.learn(points, [0.7] * 10)
    with torch.no_grad():
        assert torch.allclose(controller._likelihood(points).value, torch.full((10,), 0.7), atol=0.1)


def test_a_controller_leaves_torchs_own_random_numbers_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    Controller(CHOICES, seed=0, rate=0.01, entropy=0.0)
    assert torch.equal(torch.rand(1), expected)


def test_what_the_controller_writes_is_as_likely_as_it_says() -> None:
    import random

    space = SearchSpace({"a": {"type": "bool"}, "b": {"type": "bool", "when": {"a": True}}})
    controller = Controller(space, seed=1, rate=0.01, entropy=0.0)
    draw = random.Random(0)
    drawn = [controller.write(draw) for _ in range(1000)]
    for point in ({"a": False}, {"a": True, "b": False}, {"a": True, "b": True}):
        with torch.no_grad():
            said = float(controller._likelihood([point]).log_probability.exp())
        assert abs(drawn.count(point) / 1000 - said) < 0.06


def test_progressive_search_begins_simple_and_grows_a_stage_at_a_time() -> None:
    points = searched(make_strategy("progressive", 0, VALUE, {"beam_size": 6}), 42)
    simple = dict.fromkeys(CHOICES.parameters, 0)
    grown = [complexity(point, simple) for point in points]
    assert points[0] == simple
    assert all(size <= 1 + number // 6 for number, size in enumerate(grown))
    assert max(map(agreement, points)) >= 5


def test_the_portfolio_gives_more_trials_to_what_pays() -> None:
    portfolio = Portfolio(0, VALUE, strategies=("evolutionary", "random"))
    searched(portfolio, 160)
    portfolio._follow()
    turns = [name for name, _ in portfolio._paid[-80:]]
    assert turns.count("evolutionary") > turns.count("random") + 20
    assert portfolio.fallbacks == 0


def test_a_portfolio_goes_on_without_a_member_that_is_used_up() -> None:
    space = SearchSpace({"deep": {"type": "bool"}})
    portfolio = Portfolio(0, VALUE, strategies=("grid", "random"))
    assert all(space.contains(portfolio.suggest(space, number)) for number in range(2, 8))
    with pytest.raises(SearchExhausted, match="none of its strategies"):
        Portfolio(0, VALUE, strategies=("grid",)).suggest(space, 5)


@pytest.mark.parametrize("strategies", [(), ("random", "random"), ("portfolio",), ("nothing",)])
def test_a_portfolio_of_nothing_or_of_itself_is_refused(strategies: tuple[str, ...]) -> None:
    with pytest.raises(SearchError, match="strateg"):
        make_strategy("portfolio", 0, VALUE, {"strategies": strategies})
