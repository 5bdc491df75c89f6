import math

import pytest

from neuromosaic.core.brief import Constraints
from neuromosaic.core.errors import UsageError
from neuromosaic.core.results import ConstraintResult
from neuromosaic.core.validation.constraints import in_words, judge_constraints, shortfall


def result(name: str, limit: float, value: float | None, met: bool = False) -> ConstraintResult:
    return ConstraintResult(name=name, limit=limit, value=value, met=met)


def test_every_limit_is_judged_and_nothing_else() -> None:
    constraints = Constraints(parameters=100, latency_ms=2.0, metrics={"accuracy": 0.9, "loss": 0.5})
    figures = {"parameters": 100.0, "latency_ms": 2.5, "flops": 1e9}
    judged = judge_constraints(constraints, figures, {"accuracy": 0.89, "loss": 0.4})
    assert [(r.name, r.limit, r.value, r.met) for r in judged] == [
        ("parameters", 100, 100.0, True),
        ("latency_ms", 2.0, 2.5, False),
        ("accuracy", 0.9, 0.89, False),
        ("loss", 0.5, 0.4, True),
    ]


@pytest.mark.parametrize("metrics", [{}, {"accuracy": math.nan}])
def test_what_was_not_measured_is_not_met(metrics: dict[str, float]) -> None:
    (judged,) = judge_constraints(Constraints(metrics={"accuracy": 0.9}), {}, metrics)
    assert (judged.value, judged.met) == (None, False)
    assert in_words(judged) == "accuracy: at least 0.9 wanted, never measured"


def test_a_bound_on_no_metric_is_the_users_error() -> None:
    with pytest.raises(UsageError, match="acuracy"):
        judge_constraints(Constraints(metrics={"acuracy": 0.9}), {}, {})


def test_no_limit_no_shortfall() -> None:
    assert judge_constraints(Constraints(), {"parameters": 1.0}, {}) == []
    assert shortfall([]) == 0.0


def test_the_shortfall_adds_relative_misses_of_what_is_not_met() -> None:
    misses = [
        result("parameters", 100, 150),
        result("accuracy", 0.8, 0.6),
        result("flops", 10, 1, met=True),
    ]
    assert shortfall(misses) == pytest.approx(0.5 + 0.25)


def test_a_limit_of_zero_still_ranks() -> None:
    assert shortfall([result("parameters", 0, 10)]) < shortfall([result("parameters", 0, 20)]) < math.inf


def test_what_was_never_measured_is_farthest() -> None:
    assert shortfall([result("accuracy", 0.8, None)]) == math.inf


@pytest.mark.parametrize(
    ("judged", "words"),
    [
        (result("parameters", 20000, 52114), "52,114 parameters, limit 20,000: 2.6 times too many"),
        (result("parameters", 20000, 20001), "20,001 parameters, limit 20,000: 1 too many"),
        (result("parameters", 0, 7), "7 parameters, limit 0: 7 too many"),
        (result("parameters", 10, 7, met=True), "7 parameters, limit 10: met"),
        (result("flops", 1e6, 2.5e6), "2,500,000 FLOPs, limit 1,000,000: 2.5 times too many"),
        (result("latency_ms", 2, 3), "3 ms latency, limit 2 ms: 1.5 times too much"),
        (result("memory_mb", 10, 10.5), "10.5 MB of memory, limit 10 MB: 0.5 MB too much"),
        (result("latency_ms", 2, None), "latency_ms: limit 2 ms, never measured"),
        (result("accuracy", 0.95, 0.912), "accuracy 0.912, at least 0.95 wanted: 0.038 too low"),
        (result("rmse", 0.5, 0.61), "rmse 0.61, at most 0.5 wanted: 0.11 too high"),
        (result("rmse", 0.5, 0.4, met=True), "rmse 0.4, at most 0.5 wanted: met"),
    ],
)
def test_a_result_is_said_in_words(judged: ConstraintResult, words: str) -> None:
    assert in_words(judged) == words
