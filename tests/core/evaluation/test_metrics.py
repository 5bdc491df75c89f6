import math
from typing import Any, get_args

import numpy as np
import pytest
from sklearn import metrics as sklearn

from neuromosaic.core.brief import Task
from neuromosaic.core.errors import UsageError
from neuromosaic.core.evaluation import metrics
from neuromosaic.core.evaluation.metrics import (
    available,
    higher_is_better,
    is_better,
    per_class,
    score,
)

TASKS = get_args(Task)


@pytest.fixture
def draw() -> np.random.Generator:
    return np.random.default_rng(7)


def classified(draw: np.random.Generator, classes: int, absent: int | None = None) -> tuple[Any, Any]:
    """Scores that are better than chance, and labels, of which `absent` never occurs."""
    labels = draw.integers(classes, size=300)
    if absent is not None:
        labels = np.where(labels == absent, (absent + 1) % classes, labels)
    return (np.eye(classes)[labels] + draw.normal(size=(300, classes))).astype(np.float32), labels


@pytest.mark.parametrize("classes", [2, 5])
def test_classification_agrees_with_scikit_learn(draw: np.random.Generator, classes: int) -> None:
    outputs, labels = classified(draw, classes)
    shares, said = metrics.probabilities(outputs), outputs.argmax(1)
    by_hand = {
        "loss": sklearn.log_loss(labels, shares),
        "accuracy": sklearn.accuracy_score(labels, said),
        "balanced_accuracy": sklearn.balanced_accuracy_score(labels, said),
        "macro_f1": sklearn.f1_score(labels, said, average="macro"),
        "auroc": sklearn.roc_auc_score(labels, shares if classes > 2 else shares[:, 1], multi_class="ovr"),
        "log_loss": sklearn.log_loss(labels, shares),
    }
    assert score("classification", outputs, labels, available("classification")) == pytest.approx(by_hand, abs=1e-6)


def test_classes_that_do_not_occur_are_left_out(draw: np.random.Generator) -> None:
    outputs, labels = classified(draw, 4, absent=2)
    found = score("classification", outputs, labels, ["balanced_accuracy", "macro_f1", "auroc"])
    said, shares = outputs.argmax(1), metrics.probabilities(outputs)
    recalls = [(said[labels == label] == label).mean() for label in (0, 1, 3)]
    areas = [sklearn.roc_auc_score(labels == label, shares[:, label]) for label in (0, 1, 3)]
    assert found["balanced_accuracy"] == pytest.approx(np.mean(recalls))
    assert found["auroc"] == pytest.approx(np.mean(areas), abs=1e-6)
    assert found["macro_f1"] == pytest.approx(sklearn.f1_score(labels, said, average="macro"))


def test_shares_are_exact_where_float32_is_not() -> None:
    """19 of 20 right meets "at least 0.95"; in float32 it would miss it."""
    labels = np.zeros(20, np.int64)
    outputs = np.tile(np.float32([1, 0]), (20, 1))
    outputs[0] = [0, 1]
    assert score("classification", outputs, labels, ["accuracy"])["accuracy"] >= 0.95


def test_auroc_of_one_class_is_not_a_number() -> None:
    found = score("classification", np.zeros((5, 3), np.float32), np.ones(5, np.int64), ["auroc", "accuracy"])
    assert math.isnan(found["auroc"])
    assert found["accuracy"] == 0


def test_confident_scores_do_not_overflow() -> None:
    outputs = np.float32([[1e4, -1e4], [1e4, -1e4]])
    assert score("classification", outputs, np.array([0, 1]), ["accuracy"]) == {"loss": 1e4, "accuracy": 0.5}
    certain = np.float32([[[1e4, -1e4]]])
    assert score("language_modelling", certain, np.array([[1]]), ["perplexity"])["perplexity"] == math.inf


@pytest.mark.parametrize("targets", [1, 3])
def test_regression_agrees_with_scikit_learn(draw: np.random.Generator, targets: int) -> None:
    y = draw.normal(100, 5, size=(200, targets))
    outputs = (y + draw.normal(size=y.shape)).astype(np.float32)
    by_hand = {
        "loss": sklearn.mean_squared_error(y, outputs),
        "rmse": math.sqrt(sklearn.mean_squared_error(y, outputs)),
        "mae": sklearn.mean_absolute_error(y, outputs),
        "r2": sklearn.r2_score(y, outputs),
    }
    assert score("regression", outputs, y, available("regression")) == pytest.approx(by_hand, rel=1e-6)


@pytest.mark.parametrize("rows", [1, 4])
def test_r2_of_a_constant_target_is_not_a_number(rows: int) -> None:
    assert math.isnan(score("regression", np.ones((rows, 1)), np.ones((rows, 1)), ["r2"])["r2"])


def test_language_modelling_by_hand(draw: np.random.Generator) -> None:
    outputs = draw.normal(size=(20, 7, 5)).astype(np.float32)
    ids = draw.integers(5, size=(20, 7))
    found = score("language_modelling", outputs, ids, available("language_modelling"))
    nats = sklearn.log_loss(ids.ravel(), metrics.probabilities(outputs).reshape(-1, 5))
    assert found["loss"] == pytest.approx(nats)
    assert found["bits_per_character"] == pytest.approx(nats / math.log(2))
    assert found["perplexity"] == pytest.approx(math.exp(nats))
    assert found["accuracy"] == (outputs.argmax(-1) == ids).mean()


def test_a_uniform_guess_over_256_costs_eight_bits() -> None:
    outputs, ids = np.zeros((3, 4, 256), np.float32), np.zeros((3, 4), np.int64)
    found = score("language_modelling", outputs, ids, ["bits_per_character", "perplexity"])
    assert found["bits_per_character"] == pytest.approx(8)
    assert found["perplexity"] == pytest.approx(256)


def test_losses_do_not_depend_on_the_size_of_the_blocks(
    draw: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs, ids = draw.normal(size=(20, 7, 5)).astype(np.float32), draw.integers(5, size=(20, 7))
    whole = metrics.token_losses(outputs, ids)
    monkeypatch.setattr(metrics, "BLOCK", 33)
    assert np.array_equal(metrics.token_losses(outputs, ids), whole)
    assert whole.shape == ids.shape


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_outputs_that_are_not_finite_make_every_metric_nan(bad: float) -> None:
    outputs = np.zeros((4, 3), np.float32)
    outputs[1, 1] = bad
    found = score("classification", outputs, np.array([0, 1, 2, 0]), available("classification"))
    assert set(found) == {"loss", *available("classification")}
    assert all(math.isnan(value) for value in found.values())


def test_nan_is_never_better() -> None:
    assert is_better("accuracy", 0.9, 0.8)
    assert not is_better("accuracy", 0.8, 0.8)
    assert is_better("rmse", 0.8, 0.9)
    for name in ("accuracy", "loss"):
        assert is_better(name, 0.1, math.nan)
        assert not is_better(name, math.nan, 0.1)
        assert not is_better(name, math.nan, math.nan)


@pytest.mark.parametrize("task", TASKS)
def test_every_metric_has_a_direction(task: Task) -> None:
    better = {
        "accuracy", "balanced_accuracy", "macro_f1", "auroc", "r2", "mean_average_precision", "subset_accuracy",
        "mean_iou", "pixel_accuracy", "recall_at_1", "knn_accuracy", "coverage",
    }  # fmt: skip
    assert all(higher_is_better(name) == (name in better) for name in (*available(task), "loss"))


@pytest.mark.parametrize(
    "ask", [lambda: higher_is_better("f2"), lambda: score("regression", *[np.ones((2, 1))] * 2, ["f2"])]
)
def test_an_unknown_metric_is_named_with_those_there_are(ask: Any) -> None:
    with pytest.raises(UsageError, match=r"'f2'.*mae"):
        ask()


def test_per_class_figures_agree_with_scikit_learn(draw: np.random.Generator) -> None:
    outputs, labels = classified(draw, 4)
    rows = per_class(outputs, labels)
    expected = sklearn.precision_recall_fscore_support(labels, outputs.argmax(1))
    found = [[row[name] for row in rows] for name in ("precision", "recall", "f1", "support")]
    assert np.allclose(found, expected)


def test_a_class_that_nobody_named_has_no_figures() -> None:
    row = per_class(np.float32([[1, 0, 0], [0, 1, 0]]), np.array([0, 1]))[2]
    assert row["support"] == 0
    assert all(math.isnan(row[name]) for name in ("precision", "recall", "f1"))
