"""Several labels at once: against scikit-learn, and where a metric is not defined."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from neuromosaic.core.evaluation.intervals import interval
from neuromosaic.core.evaluation.metrics import available, score
from neuromosaic.core.evaluation.multi_label import METRICS, WEIGHTED, chances, per_label

DRAW = np.random.default_rng(0)
TARGETS = (DRAW.random((80, 4)) < (0.5, 0.2, 0.7, 0.4)).astype(np.float32)
OUTPUTS = (DRAW.standard_normal((80, 4)) + 1.5 * TARGETS - 0.7).astype(np.float32)
NAMES = available("multi_label")


def test_the_figures_are_those_of_scikit_learn() -> None:
    found = score("multi_label", OUTPUTS, TARGETS, NAMES)
    says = (OUTPUTS > 0).astype(int)
    assert found["mean_average_precision"] == pytest.approx(reference.average_precision_score(TARGETS, OUTPUTS))
    assert found["auroc"] == pytest.approx(reference.roc_auc_score(TARGETS, OUTPUTS))
    assert found["macro_f1"] == pytest.approx(reference.f1_score(TARGETS, says, average="macro"))
    assert found["subset_accuracy"] == pytest.approx(reference.accuracy_score(TARGETS, says))
    both = torch.from_numpy(OUTPUTS), torch.from_numpy(TARGETS)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(*both).item()
    assert found["loss"] == found["log_loss"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", METRICS)
def test_equal_weights_give_the_metric_itself(name: str) -> None:
    plain = METRICS[name](OUTPUTS, TARGETS)
    assert WEIGHTED[name](OUTPUTS, TARGETS)(np.ones((1, 80)))[0] == pytest.approx(plain)


@given(rows=st.lists(st.tuples(st.integers(-2, 2), st.booleans()), min_size=2, max_size=30))
def test_equal_scores_count_together(rows: list[tuple[int, bool]]) -> None:
    scores, truth = (np.array(column) for column in zip(*rows, strict=True))
    if truth.any():
        weighted = WEIGHTED["mean_average_precision"](scores[:, None], truth[:, None].astype(np.float32))
        assert weighted(np.ones((1, len(rows))))[0] == pytest.approx(reference.average_precision_score(truth, scores))


@pytest.mark.parametrize("name", ["mean_average_precision", "macro_f1", "subset_accuracy", "loss"])
def test_an_interval_holds_the_metric(name: str) -> None:
    low, high = interval("multi_label", name, OUTPUTS, TARGETS)
    assert low < METRICS[name](OUTPUTS, TARGETS) < high


def test_a_label_that_never_or_always_applies_is_left_out_where_nothing_is_defined() -> None:
    targets = TARGETS.copy()
    targets[:, 0], targets[:, 1] = 0, 1
    found = score("multi_label", OUTPUTS, targets, NAMES)
    assert found["auroc"] == pytest.approx(reference.roc_auc_score(targets[:, 2:], OUTPUTS[:, 2:]))
    assert found["mean_average_precision"] == pytest.approx(
        reference.average_precision_score(targets[:, 1:], OUTPUTS[:, 1:])
    )


def test_without_any_label_the_ranking_metrics_are_undefined() -> None:
    found = score("multi_label", OUTPUTS, np.zeros_like(TARGETS), NAMES)
    assert math.isnan(found["mean_average_precision"])
    assert math.isnan(found["auroc"])
    assert found["subset_accuracy"] == pytest.approx((OUTPUTS <= 0).all(axis=1).mean())


def test_one_label_is_a_binary_classifier_with_one_logit() -> None:
    found = score("multi_label", OUTPUTS[:, :1], TARGETS[:, :1], NAMES)
    assert found["auroc"] == pytest.approx(reference.roc_auc_score(TARGETS[:, 0], OUTPUTS[:, 0]))


def test_each_label_has_a_row_of_its_own() -> None:
    rows = per_label(OUTPUTS, TARGETS)
    assert [row["support"] for row in rows] == TARGETS.sum(axis=0).tolist()
    assert np.mean([row["f1"] for row in rows]) == pytest.approx(METRICS["macro_f1"](OUTPUTS, TARGETS))


def test_very_large_scores_neither_overflow_nor_become_nan() -> None:
    outputs = np.array([[1e4, -1e4]], dtype=np.float32)
    assert chances(outputs).tolist() == [[1.0, 0.0]]
    assert score("multi_label", outputs, np.array([[1.0, 0.0]]), ["log_loss"])["log_loss"] == 0.0
