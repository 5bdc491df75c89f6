"""The last rung: who gets there, and how long it trains."""

from types import SimpleNamespace
from typing import Any

import pytest

from neuromosaic.workflows import outcome
from neuromosaic.workflows.finalists import Finalist, affordable, best_of, choose, makespan
from tests.small_runs import Finished


def bench(**fields: Any) -> Any:
    envelope = SimpleNamespace(fidelity=0.4, workers=2, finalists=2)
    options = SimpleNamespace(compress=False)
    return SimpleNamespace(envelope=envelope, options=options, plan=SimpleNamespace(primary="accuracy"), **fields)


def trial(name: str, accuracy: float, parameters: int = 100, **metrics: float) -> Any:
    candidate = SimpleNamespace(id=name, parameters=parameters)
    return candidate, {"weights": "kept", "metrics": {"accuracy": accuracy, **metrics}, "seconds": 20.0}


def names(trials: Any) -> list[str]:
    return [candidate.id for candidate, _ in trials]


def test_jobs_take_as_long_as_the_busiest_worker() -> None:
    assert makespan([3, 1, 1, 2], 2) == 4
    assert makespan([3, 1], 1) == 4
    assert makespan([], 2) == 0


@pytest.mark.parametrize(
    ("left", "share"),
    [(None, 1.0), (60.0, 0.6), (100.0, 1.0), (150.0, 1.5), (1000.0, 2.0), (30.0, 0.0), (-1.0, 0.0)],
)
def test_finalists_train_for_as_long_as_there_is_time(left: float | None, share: float) -> None:
    chosen = [("search", *trial(name, 0.9)) for name in "abcd"]  # 50 s each in full
    assert affordable(bench(seconds_left=lambda of: left), chosen) == share


def test_the_best_by_validation_come_first() -> None:
    assert names(choose(bench(), [trial("a", 0.8), trial("b", 0.9), trial("c", 0.95)])) == ["c", "b"]


def test_between_equals_the_loss_decides_and_then_the_size() -> None:
    equals = [trial("unsure", 0.9, loss=0.4), trial("sure", 0.9, loss=0.3), trial("small", 0.9, 50, loss=0.4)]
    assert names(choose(bench(), equals)) == ["sure", "small"]


def test_a_loss_that_is_no_number_comes_last() -> None:
    equals = [trial("nan", 0.9, loss=float("nan")), trial("none", 0.9, 200), trial("known", 0.9, loss=9.0)]
    assert names(choose(bench(), equals)) == ["known", "nan"]


def test_the_best_of_a_contestant_is_the_surest_of_equals() -> None:
    known = [
        Finalist("search", *trial("unsure", 0.9, loss=0.4)), Finalist("search", *trial("sure", 0.9, loss=0.3)),
        Finalist("random_search", *trial("better", 0.95, loss=0.1)),
    ]  # fmt: skip
    found = best_of(bench(), "search", known)
    assert found is not None
    assert found.candidate.id == "sure"
    assert best_of(bench(), "nobody", known) is None


def test_of_equal_certificates_the_surest_comes_first(finished: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    winner = finished.results.winner
    assert winner is not None

    def certificate(name: str, accuracy: float, loss: float) -> Any:
        metrics = {**winner.metrics, "val_accuracy": accuracy, "val_loss": loss}
        return winner.model_copy(update={"id": name, "metrics": metrics}).model_dump(mode="json")

    known = {"unsure": certificate("unsure", 0.9, 0.4), "with less loss": certificate("with less loss", 0.9, 0.3)}
    known["best"] = certificate("best", 0.95, 0.9)
    finalists = [Finalist("search", SimpleNamespace(id=name), {}) for name in known]  # type: ignore[arg-type]
    monkeypatch.setattr(outcome, "needing_certificate", lambda bench: finalists)
    store = SimpleNamespace(step=lambda run, name: known[name.removeprefix("certificate/")])
    assert [one.id for one in outcome.certified(bench(store=store, run=1), "search")] == [
        "best",
        "with less loss",
        "unsure",
    ]
