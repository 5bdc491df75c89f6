"""What decides the task, and what labels cannot serve it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data import Dataset, describe

Load = Callable[..., Dataset]
Npz = Callable[..., Path]
DRAW = np.random.default_rng(0)
X = DRAW.standard_normal((60, 4))
LABELS = (DRAW.random((60, 3)) < 0.4).astype(np.int64)


def test_rows_of_zeros_and_ones_are_labels_of_which_several_may_apply(load: Load, npz: Npz) -> None:
    dataset = load(npz(x=X, y=LABELS))
    assert dataset.contract.task == "multi_label"
    assert dataset.contract.output.shape == (3,)
    assert dataset.train.y.dtype == np.float32
    assert "task: multi_label, since each example has 3 values that are 0 or 1" in dataset.notes
    assert describe(dataset)["classes"] == dict(
        zip(["label 0", "label 1", "label 2"], dataset.train.y.sum(axis=0), strict=True)
    )


def test_columns_of_a_table_give_labels_their_names(load: Load, csv: Callable[..., Path]) -> None:
    rows = [f"{x:.3f},{a},{b == 1}" for (x, *_), (a, b, _) in zip(X, LABELS, strict=True)]
    dataset = load(csv("\n".join(["size,ripe,sweet", *rows])), target="ripe,sweet")
    assert dataset.contract.task == "multi_label"
    outputs = np.array([[2.0, -1.0], [1.0, 1.0], [-1.0, -1.0]])
    assert dataset.preprocessing.labels(outputs) == [["ripe"], ["ripe", "sweet"], []]


def test_a_single_column_can_be_asked_for_as_one_logit(load: Load, npz: Npz) -> None:
    dataset = load(npz(x=X, y=LABELS[:, 0]), task="multi_label")
    assert dataset.contract.output.shape == (1,)
    assert dataset.train.y.shape == (len(dataset.train), 1)


@pytest.mark.parametrize(
    ("y", "task", "said"),
    [
        (LABELS + 1, "multi_label", "needs labels that are 0 or 1, but y of data.npz holds"),
        (np.full((60, 2), "a"), "multi_label", "holds texts"),
        (LABELS, "classification", "ask for multi_label where several apply at once"),
        (np.full(60, 2.5), "regression", "there is nothing to learn"),
        (np.zeros((60, 2), int), "multi_label", r"all targets of data.npz are \[0, 0\]"),
    ],
)
def test_labels_that_cannot_serve_the_task_are_refused(load: Load, npz: Npz, y: Any, task: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        load(npz(x=X, y=y), task=task)


def test_new_data_with_another_number_of_labels_are_refused(load: Load, npz: Npz) -> None:
    known = load(npz(x=X, y=LABELS)).preprocessing
    with pytest.raises(DataError, match="3 labels per example, but y has 2"):
        known.encode(LABELS[:, :2], "new.npz")
