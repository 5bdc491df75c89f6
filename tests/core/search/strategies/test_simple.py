"""Random, grid, local and evolutionary search do what their names say."""

import math
from collections.abc import Callable
from itertools import pairwise

import pytest

from neuromosaic.core.errors import SearchExhausted
from neuromosaic.core.protocols import SearchStrategy
from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.strategies.catalogue import make_strategy
from neuromosaic.core.search.strategies.grid import coarse
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.space import SearchSpace

VALUE = Objectives({"value": "max"})
CHOICES = SearchSpace({f"x{n}": {"type": "categorical", "values": list(range(5))} for n in range(6)})


def agreement(point: Point) -> float:
    """Up to 6: how many parameters have the value 3."""
    return float(sum(value == 3 for value in point.values()))


def best(strategy: SearchStrategy, space: SearchSpace, value: Callable[[Point], float], trials: int) -> list[Point]:
    points = []
    for number in range(trials):
        points.append(strategy.suggest(space, number))
        strategy.update(points[-1], {"value": value(points[-1])})
    return points


def test_random_search_tries_nothing_twice_while_there_is_something_new() -> None:
    space = SearchSpace({"x": {"type": "int", "min": 1, "max": 30}})
    points = best(make_strategy("random", 0, VALUE), space, agreement, 30)
    assert len({point["x"] for point in points}) == 30


@pytest.mark.parametrize("name", ["local_search", "evolutionary", "regularized_evolution"])
def test_it_climbs_far_above_random_draws(name: str) -> None:
    found = [
        max(map(agreement, best(make_strategy(name, seed, VALUE), CHOICES, agreement, 150))) for seed in range(5)
    ]
    drawn = [max(map(agreement, CHOICES.sample_many(150, seed))) for seed in range(5)]
    assert sum(found) >= sum(drawn) + 5


def test_local_search_goes_to_a_neighbour_of_the_best_until_none_is_left() -> None:
    space = SearchSpace({"x": {"type": "int", "min": 0, "max": 19}, "y": {"type": "int", "min": 0, "max": 19}})
    strategy = make_strategy("local_search", 0, VALUE, {"n_initial_random": 1})
    points = best(strategy, space, lambda point: -math.hypot(int(point["x"]) - 12, int(point["y"]) - 9), 200)
    assert {"x": 12, "y": 9} in points
    steps = [abs(int(a["x"]) - int(b["x"])) + abs(int(a["y"]) - int(b["y"])) for a, b in pairwise(points)]
    assert max(steps[:30]) <= 2  # a neighbour of where it stands, or of where it stood a step before
    assert max(steps) > 10  # from the top it begins anew


def test_the_grid_holds_every_choice_and_some_of_the_numbers() -> None:
    space = SearchSpace(
        {
            "rate": {"type": "float", "min": 0.01, "max": 1.0, "log": True},
            "depth": {"type": "int", "min": 1, "max": 9},
            "wide": {"type": "bool"},
            "width": {"type": "int", "min": 10, "max": 30, "when": {"depth": [2]}},
        },
        ["depth < 9"],
    )
    grid = coarse(space, 3)
    points = list(grid.enumerate())
    assert {point["rate"] for point in points} == {0.01, 0.1, 1.0}
    assert {point["depth"] for point in points} == {1, 2, 5}
    assert {point["width"] for point in points if "width" in point} == {10, 20, 30}
    strategy = make_strategy("grid", 0, VALUE, {"resolution": 3})
    assert [strategy.suggest(space, number) for number in range(len(points))] == points
    assert all(space.contains(point) for point in points)
    with pytest.raises(SearchExhausted, match=f"all {len(points)} points"):
        strategy.suggest(space, len(points))


def test_a_regularized_population_forgets_its_oldest() -> None:
    strategy = make_strategy("regularized_evolution", 0, VALUE, {"population_size": 2, "tournament_size": 2})
    space = SearchSpace({"x": {"type": "int", "min": 0, "max": 1000}})
    for x in (900, 100, 101):
        strategy.update({"x": x}, {"value": float(x)})
    child = int(strategy.suggest(space, 3)["x"])
    assert abs(child - 101) <= 200  # a fifth of the range; 900, the best ever, is dead


def test_elites_survive_their_generation() -> None:
    options = {"population_size": 2, "tournament_size": 10, "crossover_rate": 0.0, "elitism": 1}
    strategy = make_strategy("evolutionary", 0, VALUE, options)
    space = SearchSpace({"x": {"type": "int", "min": 0, "max": 1000}})
    for x in (900, 100, 101, 102):
        strategy.update({"x": x}, {"value": float(x)})
    assert abs(int(strategy.suggest(space, 4)["x"]) - 900) <= 200
