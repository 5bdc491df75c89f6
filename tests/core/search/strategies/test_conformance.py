"""Every strategy keeps what `neuromosaic.testing.strategies` asks of one."""

from collections.abc import Mapping
from typing import Any

import pytest

from neuromosaic.core.search.strategies.catalogue import make_strategy, strategy_names
from neuromosaic.testing.strategies import check_strategy

QUICK: Mapping[str, Mapping[str, Any]] = {
    "auto": {"n_initial_random": 5},
    "nsga2": {"population_size": 4},
    "progressive": {"beam_size": 3},
    "reinforcement_learning": {"batch_size": 3},
    "tpe": {"n_initial_random": 4},
    "bayesian": {"n_initial_random": 5},
    "evolutionary": {"population_size": 4},
    "local_search": {"n_initial_random": 3},
    "regularized_evolution": {"population_size": 4, "tournament_size": 2},
}


NETWORKS = {"differentiable"}  # searches nothing but networks of cells, with data


@pytest.mark.parametrize("name", sorted({*strategy_names()} - NETWORKS))
def test_a_strategy_keeps_its_contract(name: str) -> None:
    if name in ("cmaes", "nsga2", "tpe"):
        pytest.importorskip("cmaes", reason="the extra `optuna` is not installed")
        pytest.importorskip("optuna", reason="the extra `optuna` is not installed")
    check_strategy(lambda seed, objectives: make_strategy(name, seed, objectives, QUICK.get(name, {})), trials=9)
