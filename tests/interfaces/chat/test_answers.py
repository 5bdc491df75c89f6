"""What is said of a run before it has results, from its history alone."""

from pathlib import Path
from typing import Any

import pytest

from neuromosaic.core.store.store import Store
from neuromosaic.delivery.text import chosen
from neuromosaic.interfaces.chat import answers
from neuromosaic.workflows import runs
from neuromosaic.workflows.options import Options
from tests.small_runs import Finished, iris

SUITE = "def test_shape(): ...\ndef test_gradient(): ...\ndef helper(): ...\n"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def run(store: Store) -> str:
    return runs.create(store, iris(), Options())


def trial(store: Store, run: str, name: str, value: float | None, **change: Any) -> None:
    known = {
        "name": name, "candidate": name, "family": "r0s0", "metric": "accuracy", "value": value, "fidelity": 0.3,
        "parameters": 1234, "trial": f"t-{name}", "contestant": "search", "final": False, "seconds": 1.0,
    }  # fmt: skip
    store.add_event(run, "trial.finished", **{**known, **change})


def test_before_anything_was_trained(store: Store, run: str) -> None:
    assert answers.best(store, run) == "Nothing has been trained yet."
    assert answers.pareto(store, run) == "Nothing is certified yet. Nothing has been trained yet."
    assert "There are no tests yet" in answers.tests(store, run)


def test_the_best_so_far_is_that_of_the_search_on_validation(store: Store, run: str) -> None:
    trial(store, run, "small", 0.8)
    trial(store, run, "large", 0.9)
    trial(store, run, "drawn", 0.99, contestant="random_search")
    trial(store, run, "broken", float("nan"))
    said = answers.best(store, run)
    assert said.startswith("The best so far is large: accuracy 0.9")
    assert "after a training at 30%, 1,234 parameters (trial t-large). Nothing is certified yet." in said
    store.once(run, "envelope", lambda: {"trials": 7})
    store.add_event(run, "run.failed", reason="the disk is full")
    store.set_status(run, "failed")
    lines = answers.status(store, run).splitlines()
    assert lines[1] == "Trials of the search: 3 of 7."
    assert lines[2] == said
    assert lines[3] == "the disk is full"


def test_tests_are_named_also_before_they_faced_mutants(store: Store, run: str) -> None:
    store.once(run, "suite", lambda: {"source": SUITE})
    assert answers.tests(store, run).startswith("2 tests: test_shape, test_gradient.\nRed: they fail on hollow stubs")
    assert "broken variants" not in answers.tests(store, run)


def proposed(store: Store, run: str, seat: str, name: str) -> None:
    store.add_event(run, "family.proposed", family=seat, name=name, designed_by="offline")


def test_a_family_that_was_not_trained_or_came_to_nothing_is_told(store: Store, run: str) -> None:
    proposed(store, run, "r0s0", "ResNet")
    store.add_event(run, "family.accepted", family="r0s0")
    assert "ResNet (r0s0) has not been trained." in answers.why(store, run, "resnet")
    trial(store, run, "broken", None)
    assert "None of its trainings came to a usable network." in answers.why(store, run, "resnet")
    trial(store, run, "resnet-1", 0.9)
    assert "resnet-1, reached accuracy 0.9 on validation: the best of the search." in answers.why(
        store, run, "resnet"
    )
    trial(store, run, "other-1", 0.95, family="r0s1")
    assert "against 0.95 of other-1" in answers.why(store, run, "resnet")


def test_a_refused_certificate_is_told_with_its_reason(store: Store, run: str) -> None:
    store.add_event(run, "certificate.refused", name="mlp-1a2b3c", reason="it computes something else")
    assert answers.why(store, run, "mlp-1a2b3c") == "mlp-1a2b3c was not certified: it computes something else."


def test_the_family_of_the_chosen_network_was_not_dropped(finished: Finished) -> None:
    best = chosen(finished.results)
    assert best is not None
    run = finished.results.run
    families = {e.data["family"]: e.data["name"] for e in finished.events if e.kind == "family.proposed"}
    seat = finished.store.step(run, f"candidate/{best.id}")["family"]
    assert f"It was not dropped: {best.name}, which was chosen, is of this family" in answers.why(
        finished.store, run, families[seat]
    )
    (other,) = set(families) - {seat}
    assert "not dropped" not in answers.why(finished.store, run, other)


def test_a_name_that_fits_exactly_is_the_one_that_is_meant(store: Store, run: str) -> None:
    proposed(store, run, "r0s0", "residual MLP")
    proposed(store, run, "r0s1", "MLP")
    assert answers.why(store, run, "mlp") == "MLP (r0s1) has not been trained."
