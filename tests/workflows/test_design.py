"""A whole run: tests first, everything measured, nothing believed."""

import json
from pathlib import Path
from typing import Any

import pytest

from neuromosaic.core.brief import Budget, Constraints
from neuromosaic.core.results import CandidateResult
from neuromosaic.core.search.ledger import Ledger
from neuromosaic.workflows import runs
from tests.small_runs import Finished, at_work, comparable, design, iris


def test_a_run_ends_with_a_certified_winner_within_the_brief(finished: Finished) -> None:
    winner = finished.results.winner
    assert finished.results.status == "met"
    assert winner is not None
    assert winner.parameters <= 2000
    assert winner.metrics["test_accuracy"] >= 0.8
    low, high = winner.intervals["test_accuracy"]
    assert low <= winner.metrics["test_accuracy"] <= high
    assert [result.met for result in finished.results.constraints] == [True]


def test_the_suite_is_written_and_seen_to_fail_before_any_network_is_proposed(finished: Finished) -> None:
    kinds = finished.kinds()
    assert kinds.index("suite.red") < kinds.index("family.proposed")
    assert kinds.index("suite.mutants") < kinds.index("trial.started")


def test_the_suite_comes_through_the_delivered_code(finished: Finished) -> None:
    """At least 90 % of its statements and branches: code that no test runs is not tested."""
    winner = finished.results.winner
    assert winner is not None
    covered = finished.store.evidence(winner.evidence["tests"])["coverage"]
    assert covered["share"] >= 0.9, covered


def test_the_test_split_is_opened_once_and_after_all_training(finished: Finished) -> None:
    kinds = finished.kinds()
    assert kinds.count("test.opened") == 1
    assert "trial.started" not in kinds[kinds.index("test.opened") :]


def test_every_figure_points_to_stored_evidence(finished: Finished) -> None:
    certified: list[CandidateResult] = finished.results.pareto
    for candidate in certified:
        figures = {f"metrics.{name}" for name in candidate.metrics}
        assert figures | {"parameters", "flops", "peak_memory_mb", "latency_ms.p50"} <= set(candidate.evidence)
        for evidence in candidate.evidence.values():
            assert finished.store.evidence(evidence)["seed"] == 0


def test_search_and_baseline_had_the_same_number_of_trials_and_each_network_was_trained_once(
    finished: Finished,
) -> None:
    done = [event.data for event in finished.events if event.kind == "trial.finished"]
    short = [trial for trial in done if trial["fidelity"] < 1]
    assert sum(trial["contestant"] == "search" for trial in short) == 3
    assert sum(trial["contestant"] == "random_search" for trial in short) == 3
    started = [event.data["trial"] for event in finished.events if event.kind == "trial.started"]
    assert len(started) == len(set(started))


def test_search_and_baseline_are_searches_of_the_engine_which_begin_with_the_same_draws(finished: Finished) -> None:
    ledger, run = Ledger(finished.store.root), finished.results.run
    assert set(ledger.names()) == {f"{run}/search/0", f"{run}/random_search/0"}
    searched, drawn = (_points(ledger, f"{run}/{name}/0") for name in ("search", "random_search"))
    families = [event.data["family"] for event in finished.events if event.kind == "family.accepted"]
    assert [point["family"] for point in searched[: len(families)]] == sorted(families)
    own = searched[len(families) :]
    assert own == drawn[: len(own)] != []


def _points(ledger: Ledger, name: str) -> list[dict[str, Any]]:
    found = ledger.latest(name)
    assert found is not None
    return [event.data["point"] for event in ledger.events(found[0]) if event.kind == "asked"]


@pytest.mark.soak
@pytest.mark.parametrize("strategy", ["llm", "grid", "regularized_evolution"])
def test_any_strategy_may_search(tmp_path: Path, strategy: str) -> None:
    results = design(tmp_path, iris(budget=Budget(trials=6)), strategy=strategy)
    assert results.status == "met"
    names = [found["strategy"] for _, found in _searches(tmp_path, results.run)]
    assert names == [{"llm": "LLMSearch"}.get(strategy, strategy)] * len(names)


def _searches(root: Path, run: str) -> list[Any]:
    ledger = Ledger(root / "store")
    return [ledger.latest(name) for name in ledger.names() if name.startswith(f"{run}/search/")]


def test_baselines_stand_beside_the_winner(finished: Finished) -> None:
    baselines = finished.results.baselines
    assert set(baselines) == {"random_search", "majority", "linear"}
    assert baselines["majority"]["test_accuracy"] < 0.5


def test_the_folder_holds_what_was_promised(finished: Finished) -> None:
    folder = finished.root / "out"
    promised = {
        "model.py", "test_model.py", "weights.safetensors", "results.json", "preprocessing.json", "card.md",
        "report.html",
    }  # fmt: skip
    assert promised <= {path.name for path in folder.iterdir()}
    assert json.loads((folder / "results.json").read_text())["run"] == finished.results.run


def test_a_finished_run_answers_from_the_store(finished: Finished) -> None:
    before = len(finished.events)
    with at_work(finished.store, finished.results.run) as bench:
        assert runs.carry_on(bench) == finished.results
    assert len(finished.events) == before + 1  # "process.started"


def test_one_seed_gives_one_result(finished: Finished, tmp_path: Path) -> None:
    again = design(tmp_path, iris())
    assert comparable(again) == comparable(finished.results)


@pytest.mark.soak
def test_another_seed_gives_another_result(finished: Finished, tmp_path: Path) -> None:
    other = design(tmp_path, iris(seed=1))
    assert comparable(other) != comparable(finished.results)


def test_an_impossible_limit_ends_with_the_nearest_and_by_how_much_it_missed(tmp_path: Path) -> None:
    results = design(tmp_path, iris(constraints=Constraints(parameters=0)))
    assert (results.status, results.winner) == ("not met", None)
    assert results.nearest is not None
    (missed,) = results.constraints
    assert (missed.name, missed.met, missed.value) == ("parameters", False, results.nearest.parameters)
    assert (tmp_path / "out" / "model.py").exists()


def test_a_metric_bound_that_nothing_reaches_is_not_met_by_reselecting_on_the_test_split(tmp_path: Path) -> None:
    results = design(tmp_path, iris(constraints=Constraints(metrics={"accuracy": 1.01}), budget=Budget(trials=6)))
    assert results.status == "not met"
    assert results.nearest is not None
    assert [result.name for result in results.constraints] == ["accuracy"]
    events = Finished(tmp_path, results).events
    assert [event.data["round"] for event in events if event.kind == "round.finished"] == [0, 1]
    assert {event.data["family"][:2] for event in events if event.kind == "family.proposed"} == {"r0", "r1"}
    assert sum(event.kind == "trial.finished" and event.data["fidelity"] < 1 for event in events) >= 12
