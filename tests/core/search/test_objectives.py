"""What a search is after: order by what was asked, limits first, failures last."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromosaic.core.errors import SearchError
from neuromosaic.core.search.objectives import Limit, Objective, Objectives

TWO = Objectives({"accuracy": "max", "latency": "min"})


def test_one_objective_scores_by_its_signed_value() -> None:
    assert Objectives("accuracy").scores([{"accuracy": 0.5}, {"accuracy": 0.7}]).tolist() == [0.5, 0.7]
    assert Objectives("loss").scores([{"loss": 0.5}, {"loss": 0.7}]).tolist() == [-0.5, -0.7]
    assert Objectives({"loss": "max"}).aims == (Objective("loss", "max"),)


def test_failed_trials_and_those_without_figures_are_last() -> None:
    aims = Objectives("accuracy", {"params": "<= 10"})
    history = [
        {"accuracy": 0.1, "params": 5.0}, {"accuracy": 0.9, "params": 12.0}, {"accuracy": 0.9, "params": 20.0},
        {}, {"accuracy": math.nan, "params": 1.0}, {"accuracy": 0.9},
    ]  # fmt: skip
    scores = aims.scores(history)
    assert scores[0] > scores[1] > scores[2] > -np.inf
    assert np.isneginf(scores[3:]).all()
    assert aims.front(history) == [0]


def test_several_objectives_score_by_front_then_by_crowding() -> None:
    history = [{"accuracy": a, "latency": b} for a, b in [(0.9, 3), (0.5, 1), (0.7, 2), (0.68, 1.95), (0.4, 2)]]
    scores = TWO.scores(history)
    assert scores[0] == scores[1] > max(scores[2:4])
    assert scores[4] < min(scores[:4])
    assert TWO.front(history) == [0, 1, 2, 3]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 9)), min_size=1, max_size=15))
def test_a_broken_limit_is_below_everything_allowed(rows: list[tuple[int, int, int]]) -> None:
    aims = Objectives({"accuracy": "max", "latency": "min"}, ["params < 5"])
    scores = aims.scores([{"accuracy": a, "latency": b, "params": p} for a, b, p in rows])
    allowed = [score for score, row in zip(scores, rows, strict=True) if row[2] < 5]
    broken = [score for score, row in zip(scores, rows, strict=True) if row[2] >= 5]
    assert not allowed or not broken or min(allowed) > max(broken)
    assert np.isfinite(scores).all()


def test_without_objectives_the_first_name_that_leaves_no_doubt_is_taken() -> None:
    aims = Objectives()
    assert aims.aims == ()
    assert aims.scores([{}]).tolist() == [-np.inf]
    assert aims.settle({"latency": 1.0, "val_loss": 0.3, "accuracy": 0.5}) == (Objective("val_loss", "min"),)
    with pytest.raises(SearchError, match=r"say which metric is wanted.*got: latency"):
        Objectives().settle({"latency": 1.0})


def test_empty_history_has_no_scores() -> None:
    assert TWO.scores([]).shape == (0,)
    assert TWO.losses([]).shape == (0, 2)
    assert TWO.front([]) == []
    assert TWO.knee([]) is None
    assert TWO.hypervolume([], {"accuracy": 0.0, "latency": 1.0}) == 0.0


def test_the_front_has_a_volume_and_a_knee() -> None:
    history = [
        {"accuracy": 1.0, "latency": 9.0},
        {"accuracy": 0.9, "latency": 1.0},
        {"accuracy": 0.0, "latency": 0.0},
    ]
    assert TWO.knee(history) == 1
    assert TWO.hypervolume(history, {"accuracy": 0.0, "latency": 10.0}) == pytest.approx(1.0 + 0.9 * 8)


def test_a_fault_names_the_metric_that_is_missing_or_not_finite() -> None:
    aims = Objectives("accuracy", {"params": "<= 2e4"})
    assert aims.fault({"acuracy": 1.0, "params": 1.0}) == "returned no 'accuracy' (did you mean 'acuracy'?)"
    assert aims.fault({"accuracy": math.nan, "params": 1.0}) == "returned nan for 'accuracy'"
    assert aims.fault({"accuracy": 1.0, "params": 1.0}) is None
    assert aims.broken({"params": 30_000.0}) == (Limit("params", "<=", 20_000.0),)
    assert aims.broken({"accuracy": 0.0}) == ()


@pytest.mark.parametrize(("comparison", "met", "missed"), [("<=", 5, 6), ("<", 4, 5), (">=", 5, 4), (">", 6, 5)])
def test_limits_compare_as_written(comparison: str, met: float, missed: float) -> None:
    limit = Limit("x", comparison, 5.0)
    assert limit.violation(met) == 0.0
    assert limit.violation(missed) > 0.0


@pytest.mark.parametrize(
    ("objectives", "constraints", "said"),
    [
        ({"a": "up"}, (), 'objectives.a: give "max" or "min"'),
        (["a", "a"], (), "each once"),
        ([], (), "at least one"),
        ([3], (), "no name"),
        ("a", {"params": "20"}, "constraints.params: '20' is not of the form"),
        ("a", {"params": "<= 1.2.3"}, "not of the form"),
        ("a", ["params 20"], "constraints: 'params 20' is not of the form"),
    ],
)
def test_what_cannot_be_read_is_refused(objectives: object, constraints: object, said: str) -> None:
    with pytest.raises(SearchError, match=said):
        Objectives(objectives, constraints)  # type: ignore[arg-type]


def test_objectives_are_data() -> None:
    assert Objectives("loss", ["params<=5"]).to_dict() == {
        "objectives": {"loss": "min"},
        "constraints": ["params <= 5"],
    }
