"""What decides the task, and what labels cannot serve it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuromosaic.core.brief import TensorSpec
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


# ---------------------------------------------------------------- a class at each position

SERIES = DRAW.standard_normal((40, 6, 2))
STEPS = DRAW.integers(0, 3, (40, 6))
IMAGES = DRAW.standard_normal((40, 5, 7, 3))
PIXELS = DRAW.integers(0, 2, (40, 5, 7))


def test_a_whole_number_at_each_step_is_sequence_labelling(load: Load, npz: Npz) -> None:
    padded = STEPS.copy()
    padded[:, 4:] = -100
    dataset = load(npz(x=SERIES, y=padded))
    assert dataset.contract.task == "sequence_labelling"
    assert dataset.contract.output.shape == (6, 3)
    assert (dataset.train.y[:, 4:] == -100).all()
    assert sum(dataset.summary.class_counts) == 4 * len(dataset.train)
    assert "task: sequence_labelling, since each of the 6 steps has a class" in dataset.notes


def test_a_whole_number_at_each_pixel_is_segmentation(load: Load, npz: Npz) -> None:
    dataset = load(npz(x=IMAGES, y=PIXELS))
    assert (dataset.contract.task, dataset.contract.output.shape) == ("segmentation", (2, 5, 7))
    assert dataset.train.y.shape == (len(dataset.train), 5, 7)
    outputs = np.moveaxis(np.eye(2)[PIXELS], -1, 1)
    assert dataset.preprocessing.labels(outputs) == PIXELS.tolist()


def test_classes_at_positions_may_have_names(load: Load, npz: Npz) -> None:
    dataset = load(npz(x=SERIES, y=np.array(["idle", "up", "down"])[STEPS]), task="sequence_labelling")
    assert dataset.preprocessing.classes == ("down", "idle", "up")
    best = np.eye(3)[dataset.train.y]
    assert set(dataset.preprocessing.labels(best)[0]) <= {"down", "idle", "up"}


def test_the_brief_may_leave_the_positions_out(load: Load, npz: Npz) -> None:
    assert load(npz(x=IMAGES, y=PIXELS), output=TensorSpec(shape=(2,))).contract.output.shape == (2, 5, 7)
    with pytest.raises(DataError, match="the brief says 4 classes"):
        load(npz(x=IMAGES, y=PIXELS), output=TensorSpec(shape=(4,)))


@pytest.mark.parametrize(
    ("x", "y", "task", "said"),
    [
        (SERIES, np.where(STEPS == 2, -1, STEPS), None, "hold -1: give whole numbers from 0 on, and -100"),
        (SERIES, STEPS + 0.5, "sequence_labelling", "hold .*5: give whole numbers"),
        (SERIES, STEPS[:, 0], "sequence_labelling", "needs a class at each step, but y of data.npz has shape 40"),
        (SERIES, STEPS[:, :5], "sequence_labelling", "the inputs have 6 positions, but y has 5"),
        (
            SERIES,
            np.where(np.arange(40)[:, None] == 3, -100, STEPS),
            None,
            "example 3 .* has no position that counts",
        ),
        (IMAGES, np.zeros_like(PIXELS), None, "segmentation needs at least two classes"),
        (IMAGES, PIXELS, "classification", "needs one value or one row per example"),
        (IMAGES, PIXELS[:, :4], None, "needs one value or one row per example"),
    ],
)
def test_classes_that_cannot_serve_the_positions_are_refused(
    load: Load, npz: Npz, x: Any, y: Any, task: str | None, said: str
) -> None:
    with pytest.raises(DataError, match=said):
        load(npz(x=x, y=y), task=task)


def test_splits_with_targets_of_different_shapes_are_refused(load: Load, npz: Npz) -> None:
    with pytest.raises(DataError, match="targets of different shapes"):
        load(npz(x_train=SERIES, y_train=STEPS, x_test=SERIES, y_test=STEPS[:, :5]))
