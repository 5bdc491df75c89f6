import math
from typing import Any

import numpy as np
import pytest

from neuromosaic.core.errors import UsageError
from neuromosaic.core.evaluation import intervals
from neuromosaic.core.evaluation.intervals import interval, wilson
from neuromosaic.core.evaluation.metrics import available, score


def sample(task: Any, count: int, seed: int = 0) -> tuple[Any, Any]:
    draw = np.random.default_rng(seed)
    if task == "regression":
        y = draw.normal(50, 3, size=(count, 2))
        return y + draw.normal(size=y.shape), y
    shape = (count, 6) if task == "language_modelling" else (count,)
    labels = draw.integers(4, size=shape)
    return (np.eye(4)[labels] + draw.normal(size=(*shape, 4))).astype(np.float32), labels


CASES = [(task, name) for task in ("classification", "regression", "language_modelling") for name in available(task)]


@pytest.mark.parametrize(
    ("successes", "trials", "expected"),
    [  # published values: Newcombe (1998), table I
        (81, 263, (0.2553, 0.3662)),
        (15, 148, (0.0624, 0.1605)),
        (0, 20, (0.0, 0.1611)),
        (1, 29, (0.0061, 0.1718)),
        (29, 29, (0.8830, 1.0)),
    ],
)
def test_wilson_gives_the_published_values(successes: int, trials: int, expected: tuple[float, float]) -> None:
    assert wilson(successes, trials) == pytest.approx(expected, abs=5e-5)


def test_the_accuracy_of_a_classification_gets_wilson() -> None:
    outputs, labels = sample("classification", 200)
    right = int((outputs.argmax(1) == labels).sum())
    assert interval("classification", "accuracy", outputs, labels) == wilson(right, 200)


@pytest.mark.parametrize(("task", "name"), [*CASES, ("classification", "loss"), ("regression", "loss")])
def test_the_metric_lies_in_its_interval_which_narrows_with_more_examples(task: Any, name: str) -> None:
    widths = []
    for count in (60, 960):
        outputs, targets = sample(task, count)
        low, high = interval(task, name, outputs, targets)
        assert low < score(task, outputs, targets, [name])[name] < high
        assert (low, high) == interval(task, name, outputs, targets)
        widths.append(high - low)
    assert widths[1] < widths[0] / 2


@pytest.mark.parametrize(("task", "name"), [case for case in CASES if case != ("classification", "accuracy")])
def test_under_equal_weights_the_bootstrap_computes_the_metric_itself(task: Any, name: str) -> None:
    outputs, targets = sample(task, 150)
    value = intervals._WEIGHTED[task][name](outputs, targets)(np.ones((1, 150)))
    assert value[0] == pytest.approx(score(task, outputs, targets, [name])[name], abs=1e-6)


def test_a_weight_counts_an_example_as_often_as_repeating_it() -> None:
    outputs, targets = sample("classification", 40)
    outputs = outputs.round(1)  # with ties
    counts = np.random.default_rng(1).integers(1, 4, size=40)
    for name in ("auroc", "macro_f1", "balanced_accuracy"):
        weighted = intervals._WEIGHTED["classification"][name](outputs, targets)(counts[None].astype(float))
        repeated = score("classification", outputs.repeat(counts, 0), targets.repeat(counts), [name])[name]
        assert weighted[0] == pytest.approx(repeated, abs=1e-6)


@pytest.mark.parametrize("name", ["rmse", "mae"])
def test_about_95_of_100_intervals_cover_the_truth(name: str) -> None:
    truth = {"rmse": 1.0, "mae": math.sqrt(2 / math.pi)}[name]
    found = [interval("regression", name, *sample("regression", 100, seed)) for seed in range(100)]
    assert 88 <= sum(low <= truth <= high for low, high in found) <= 100


def test_a_higher_level_is_wider() -> None:
    data = sample("regression", 100)
    narrow, wide = interval("regression", "mae", *data, level=0.5), interval("regression", "mae", *data, level=0.99)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_resamples_in_blocks_are_the_same_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    data = sample("regression", 100)
    whole = interval("regression", "mae", *data)
    monkeypatch.setattr(intervals, "BLOCK", 700)
    assert interval("regression", "mae", *data) == pytest.approx(whole, rel=1e-12)


def test_a_rare_class_missing_from_a_resample_is_no_error() -> None:
    outputs, labels = sample("classification", 30)
    labels = np.where(np.arange(30) == 0, 3, labels % 3)
    for name in ("auroc", "balanced_accuracy", "macro_f1"):
        low, high = interval("classification", name, outputs, labels)
        assert 0 <= low < high <= 1


@pytest.mark.parametrize(("outputs", "name"), [(np.full((4, 2), np.nan), "accuracy"), (np.zeros((4, 2)), "auroc")])
def test_where_the_metric_is_nan_so_is_its_interval(outputs: Any, name: str) -> None:
    assert all(math.isnan(end) for end in interval("classification", name, outputs, np.zeros(4, np.int64)))


def test_r2_of_a_constant_target_has_no_interval() -> None:
    assert all(math.isnan(end) for end in interval("regression", "r2", np.zeros((9, 1)), np.ones((9, 1))))


def test_an_unknown_metric_is_refused() -> None:
    with pytest.raises(UsageError, match="'rmse' is no metric of classification"):
        interval("classification", "rmse", *sample("classification", 5))
