"""The last rung: who gets there, and how long it trains."""

from types import SimpleNamespace
from typing import Any

import pytest

from neuromosaic.workflows.finalists import affordable, choose, makespan


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
