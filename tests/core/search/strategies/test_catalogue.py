"""Strategies by name: options are checked, mistakes named, one's own can be added."""

import doctest
from typing import Any

import pytest

from neuromosaic.core.errors import SearchError
from neuromosaic.core.protocols import SearchStrategy
from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.strategies import catalogue
from neuromosaic.core.search.strategies.catalogue import make_strategy, options_of, register_strategy
from neuromosaic.core.search.strategies.random_search import RandomSearch

FITNESS = Objectives("fitness")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("bayes", {}, r"'bayes' is unknown \(known: 'auto'|did you mean 'bayesian'"),
        ("bayesian", {"aquisition_function": "ei"}, "option 'aquisition_function' is unknown .did you mean 'acq"),
        ("bayesian", {"acquisition_function": "best"}, "option acquisition_function: Input should be 'ei', 'ucb' or"),
        ("evolutionary", {"population_size": 1}, "option population_size: .* greater than or equal to 2, not 1"),
        ("evolutionary", {"population_size": "ten"}, "population_size: Input should be a valid integer, not 'ten'"),
        ("random", {"population_size": 5}, "option 'population_size' is unknown"),
    ],
)
def test_a_mistake_is_named(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(SearchError, match=message):
        make_strategy(name, 0, FITNESS, options)


def test_options_are_listed_with_their_defaults() -> None:
    assert options_of("bayesian") == {"acquisition_function": "ei", "n_initial_random": None}


def test_ones_own_strategy_is_known_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "_FACTORIES", dict(catalogue._FACTORIES))

    def mine(seed: int, objectives: Objectives, *, warmth: float = 0.5) -> SearchStrategy:
        return RandomSearch(seed + round(warmth), objectives)

    register_strategy("mine", mine)
    assert isinstance(make_strategy("mine", 0, FITNESS, {"warmth": 2.0}), SearchStrategy)
    with pytest.raises(SearchError, match="did you mean 'warmth'"):
        make_strategy("mine", 0, FITNESS, {"warmht": 2.0})
    with pytest.raises(SearchError, match="letters, digits"):
        register_strategy("no name", mine)


def test_the_documented_examples_run() -> None:
    assert doctest.testmod(catalogue).failed == 0
