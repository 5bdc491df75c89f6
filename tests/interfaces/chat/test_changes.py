"""A wish becomes a changed run, or one sentence on what is missing."""

from pathlib import Path

import pytest

from neuromosaic.core.brief import Budget, Constraints
from neuromosaic.core.errors import UsageError
from neuromosaic.core.proposals import RoleName
from neuromosaic.core.store.store import Store
from neuromosaic.interfaces.chat.changes import forked
from neuromosaic.interfaces.chat.wishes import Resize, Spend, UseModel
from neuromosaic.workflows import runs
from neuromosaic.workflows.options import Extension, Options
from tests.small_runs import iris


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def begun(store: Store, constraints: Constraints, budget: Budget | None = None) -> str:
    return runs.create(store, iris(constraints=constraints, budget=budget or Budget(trials=3)), Options())


def test_before_there_is_a_network_the_limit_that_stood_is_scaled(store: Store) -> None:
    run = begun(store, Constraints(parameters=2001, latency_ms=0.5))
    half = forked(store, run, Resize(what="parameters", factor=0.5), begun=False)
    assert half.brief.constraints.parameters == 1000
    assert half.change == "at most 1,000 parameters (it was 2,001)"
    faster = forked(store, run, Resize(what="latency_ms", factor=0.5), begun=False)
    assert faster.brief.constraints.latency_ms == 0.25


def test_without_network_and_limit_there_is_nothing_to_scale(store: Store) -> None:
    with pytest.raises(UsageError, match="there is no network yet and no limit to scale"):
        forked(store, begun(store, Constraints()), Resize(what="parameters", factor=0.5), begun=False)


@pytest.mark.parametrize(("worked", "limit"), [(True, 0.75), (False, 0.5)])
def test_money_is_more_for_a_run_that_has_worked_and_the_limit_of_one_that_has_not(
    worked: bool, limit: float, store: Store
) -> None:
    run = begun(store, Constraints(), Budget(trials=3, cost_usd=0.25))
    fork = forked(store, run, Spend(cost_usd=0.5), begun=worked)
    assert fork.brief.budget.cost_usd == limit
    assert fork.brief.budget.trials == 3
    assert fork.change == f"up to ${limit:g} for models"


def test_more_for_a_run_that_was_never_planned_is_its_budget(store: Store) -> None:
    run = begun(store, Constraints())
    assert forked(store, run, Spend(trials=5), begun=False).brief.budget == Budget(trials=5)
    more = forked(store, run, Spend(trials=5), begun=True)
    assert (more.brief.budget.trials, more.change) == (5, "5 trials more")


@pytest.mark.parametrize("extends", [False, True])
@pytest.mark.parametrize("role", ["NetworkArchitect", "ModelArchitect"])
def test_another_model_for_the_networks_sits_where_they_are_designed(
    role: RoleName, extends: bool, store: Store
) -> None:
    given = Extension(source="", entry="Net") if extends else None
    run = runs.create(store, iris(), Options(extend=given))
    fork = forked(store, run, UseModel("openai/m", role), begun=True)
    assert fork.kept == ("hardware", "envelope", "metrics", "suite")
    designs = "ModelArchitect" if extends else "NetworkArchitect"
    assert role != "NetworkArchitect" or fork.options.role_models == {designs: ("openai/m",)}
