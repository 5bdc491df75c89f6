"""Which kind of input and which task data are read as."""

from typing import Any

import numpy as np
import pytest

from neuromosaic.core.brief import TensorSpec
from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data.kinds import recognise
from neuromosaic.core.evaluation.data.labels import check_task, check_two_classes, infer_task, tidy_labels
from neuromosaic.core.evaluation.data.raw import Part


@pytest.mark.parametrize(
    ("shape", "dtype", "expected", "kind", "layout", "image"),
    [
        ((9, 5), float, None, "tabular", "hw", None),
        ((9, 12), float, (3, 2, 2), "image", "flat", (3, 2, 2)),
        ((9, 12), float, (1, 5, 5), "tabular", "hw", None),
        ((9, 8, 8), float, None, "image", "hw", (1, 8, 8)),
        ((9, 8, 6), np.uint8, None, "image", "hw", (1, 8, 6)),
        ((9, 8, 6), float, None, "sequence", "hw", None),
        ((9, 8, 8), float, (8, 8), "sequence", "hw", None),
        ((9, 8, 6), float, (1, 8, 6), "image", "hw", (1, 8, 6)),
        ((9, 8, 6, 3), float, None, "image", "hwc", (3, 8, 6)),
        ((9, 3, 8, 6), float, None, "image", "chw", (3, 8, 6)),
        ((9, 3, 8, 3), float, None, "image", "chw", (3, 8, 3)),
        ((9, 3, 8, 3), float, (3, 3, 8), "image", "hwc", (3, 3, 8)),
        ((9, 8, 6, 5), float, None, "image", "hwc", (5, 8, 6)),
        ((9, 5, 8, 6), float, None, "image", "chw", (5, 8, 6)),
    ],
)
def test_kinds_are_read_from_shape_type_and_brief(
    shape: Any, dtype: Any, expected: Any, kind: str, layout: str, image: Any
) -> None:
    found = recognise(np.zeros(shape, dtype=dtype), expected, "data")
    assert found.name == kind
    if image:
        assert (found.layout, found.shape) == (layout, image)


def test_what_was_assumed_is_said() -> None:
    assert "8 time steps of 6 features" in recognise(np.zeros((9, 8, 6)), None, "data").note
    assert "read as grey images" in recognise(np.zeros((9, 8, 8)), None, "data").note
    assert not recognise(np.zeros((9, 8, 8)), (1, 8, 8), "data").note
    assert "3 channels on the last axis" in recognise(np.zeros((9, 8, 6, 3)), None, "data").note


def test_five_axes_are_too_many() -> None:
    with pytest.raises(DataError, match="have shape 2x2x2x2x2"):
        recognise(np.zeros((2, 2, 2, 2, 2)), None, "data")


MANY = np.arange(200)


@pytest.mark.parametrize(
    ("y", "kind", "output", "task"),
    [
        (np.array(["a", "b"] * 9), "tabular", None, "classification"),
        (MANY % 2 == 0, "tabular", None, "classification"),
        (MANY % 10, "tabular", None, "classification"),
        (MANY % 10 - 5, "image", None, "classification"),
        (MANY, "tabular", None, "regression"),
        (np.arange(4000) % 100, "image", None, "classification"),
        (np.arange(4000) % 100, "tabular", None, "regression"),
        (np.arange(4000) % 100, "tabular", 100, "classification"),
        (MANY % 10, "tabular", 1, "regression"),
        (MANY % 2, "tabular", 1, "classification"),
        ((MANY % 10).astype(float), "tabular", None, "regression"),
        ((MANY % 10).astype(float), "tabular", 10, "classification"),
        (MANY % 10 / 3, "tabular", 10, "regression"),
        (np.stack([MANY, MANY], axis=1), "tabular", None, "regression"),
        (np.eye(3)[MANY % 3], "tabular", None, "classification"),
    ],
)
def test_tasks_are_read_from_the_labels(y: Any, kind: str, output: int | None, task: str) -> None:
    found, note = infer_task(y, kind, TensorSpec(shape=(output,)) if output else None)
    assert found == task
    assert note.startswith(f"task: {task}") or y.ndim == 2


@pytest.mark.parametrize(
    ("task", "y", "fault"),
    [
        (
            "regression",
            np.array(["a", "b"]),
            "regression needs numbers, but the targets of data are texts such as 'a'",
        ),
        ("classification", np.array([0.5, 1.0]), "labels of data are no whole numbers, such as 0.5"),
        ("classification", np.array([1e300, 1.0]), r"are no whole numbers, such as 1e\+300"),
        ("classification", np.eye(4), "one class per example, but y of data has shape 4x4"),
        ("language_modelling", np.array([1]), "language modelling needs a text"),
    ],
)
def test_a_task_that_the_labels_cannot_serve_is_refused(task: Any, y: Any, fault: str) -> None:
    with pytest.raises(DataError, match=fault):
        check_task(task, y, "data")


def test_one_class_only_is_refused() -> None:
    with pytest.raises(DataError, match="all labels of data are 'a': classification needs at least two classes"):
        check_two_classes(np.array(["a", "a"]), "data")


def test_labels_that_are_missing_are_missed() -> None:
    with pytest.raises(DataError, match="these data hold no labels"):
        _ = Part(np.zeros((2, 2)), None).labels


def test_labels_are_tidied() -> None:
    assert tidy_labels(np.array([b"a", b"b"]), "data").tolist() == ["a", "b"]
    assert tidy_labels(np.array(["a", "b"], dtype=object), "data").tolist() == ["a", "b"]
    assert tidy_labels(np.array([[1], [2]]), "data").tolist() == [1, 2]
    with pytest.raises(DataError, match="y of data holds datetime64"):
        tidy_labels(np.array(["2020-01-01"], dtype="datetime64[D]"), "data")
