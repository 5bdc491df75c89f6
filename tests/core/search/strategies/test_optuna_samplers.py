"""Optuna's samplers search our spaces; where Optuna is missing, the extra is named."""

import math
import sys
from collections.abc import Callable
from typing import Any

import pytest

from neuromosaic.core.errors import SearchError
from neuromosaic.core.protocols import SearchStrategy
from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.strategies import optuna_samplers
from neuromosaic.core.search.strategies.catalogue import make_strategy
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.space import SearchSpace
from neuromosaic.testing.strategies import spaces

VALUE = Objectives({"value": "max"})
BOWL = SearchSpace({f"x{n}": {"type": "float", "min": -2.0, "max": 3.0} for n in range(3)})


def height(point: Point) -> float:
    return -sum((float(value) - 1) ** 2 for value in point.values())


def searched(
    strategy: SearchStrategy, trials: int, space: SearchSpace = BOWL, worth: Callable[[Point], float] = height
) -> list[Point]:
    points = []
    for number in range(trials):
        points.append(strategy.suggest(space, number))
        strategy.update(points[-1], {"value": worth(points[-1])})
    return points


@pytest.mark.parametrize("name", ["tpe", "cmaes", "nsga2"])
def test_without_optuna_the_extra_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(SearchError, match=rf"strategy {name}: .*neuromosaic\[optuna\]"):
        make_strategy(name, 0, VALUE)


@pytest.mark.parametrize(("name", "trials"), [("tpe", 60), ("cmaes", 100), ("nsga2", 120)])
def test_it_comes_nearer_than_random_draws(name: str, trials: int) -> None:
    pytest.importorskip("optuna", reason="the extra `optuna` is not installed")
    pytest.importorskip("cmaes", reason="the extra `optuna` is not installed")
    options: dict[str, Any] = {"population_size": 20} if name == "nsga2" else {}
    best = max(map(height, searched(make_strategy(name, 0, VALUE, options), trials)))
    assert best > max(map(height, searched(make_strategy("random", 0, VALUE), trials)))


def test_where_it_suggests_what_is_known_it_goes_on_beside_that_and_not_by_chance() -> None:
    pytest.importorskip("optuna", reason="the extra `optuna` is not installed")
    switches = SearchSpace({f"switch{n}": {"type": "bool"} for n in range(12)})
    strategy = make_strategy("tpe", 0, VALUE)
    points = searched(strategy, 60, switches, lambda point: float(sum(map(bool, point.values()))))
    assert len({tuple(point.values()) for point in points}) == 60
    assert getattr(strategy, "fallbacks", None) == 0


def test_a_space_that_is_used_up_is_told_as_chance() -> None:
    pytest.importorskip("optuna", reason="the extra `optuna` is not installed")
    strategy = make_strategy("tpe", 0, VALUE)
    searched(strategy, 6, SearchSpace({"switch": {"type": "bool"}}), lambda point: 0.0)
    assert getattr(strategy, "fallbacks", None) == 4


def test_the_only_point_of_a_space_without_parameters_is_no_fallback() -> None:
    pytest.importorskip("optuna", reason="the extra `optuna` is not installed")
    strategy = make_strategy("tpe", 0, VALUE)
    assert strategy.suggest(SearchSpace({}), 0) == {}
    assert getattr(strategy, "fallbacks", None) == 0


def test_cmaes_refuses_several_objectives() -> None:
    pytest.importorskip("cmaes", reason="the extra `optuna` is not installed")
    pytest.importorskip("optuna", reason="the extra `optuna` is not installed")
    with pytest.raises(SearchError, match="one objective; take nsga2"):
        make_strategy("cmaes", 0, Objectives({"value": "max", "cost": "min"}))


def test_values_survive_being_written_in_optunas_words() -> None:
    pytest.importorskip("optuna", reason="the extra `optuna` is not installed")
    for space in spaces():
        for point in space.sample_many(20, 0):
            for name, value in point.items():
                parameter = space.parameters[name]
                back = optuna_samplers.read(parameter, optuna_samplers.written(parameter, value))
                assert type(back) is type(value)
                assert back == value or math.isclose(float(back), float(value), rel_tol=1e-9)
