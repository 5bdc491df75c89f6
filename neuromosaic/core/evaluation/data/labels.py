"""What the labels are, and which task they make."""

import numpy as np

from neuromosaic.core.brief import Task, TensorSpec
from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data.raw import Array
from neuromosaic.core.evaluation.data.spelling import listed, sized
from neuromosaic.core.evaluation.data.targets import is_whole
from neuromosaic.core.tasks import CLASS_BY_POSITION, IGNORED

FEW_VALUES = {"image": 1000, "tabular": 30, "sequence": 100, "graph": 100}
"""Most distinct integers that are taken for classes, by kind of input, where the brief leaves the task open."""


def tidy_labels(y: Array, name: str) -> Array:
    """Labels as booleans, integers, floats or str: [n, 1] squeezed, bytes decoded.

    Raises DataError for missing values, for objects other than texts, and for more than three axes.
    """
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim not in (1, 2, 3):
        raise DataError(
            f"y of {name} has shape {sized(y.shape)}: give one label, one row of targets, or a class at each step or "
            "pixel, per example"
        )
    if y.dtype.kind == "O":
        y = _texts(y, name)
    if y.dtype.kind == "S":
        y = np.char.decode(y, "utf-8", "replace")
    if y.dtype.kind not in "biufU":
        raise DataError(f"y of {name} holds {y.dtype}: give numbers, texts or booleans")
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        bad = np.flatnonzero(~np.isfinite(y).reshape(len(y), -1).all(axis=1))
        raise DataError(
            f"y of {name} is NaN or infinite in {len(bad)} rows, first in row {bad[0]}: fill or drop them"
        )
    return y


def _texts(y: Array, name: str) -> Array:
    odd = [type(value).__name__ for value in y.ravel().tolist() if not isinstance(value, str)]
    if odd:
        raise DataError(f"y of {name} holds Python objects ({odd[0]}): give numbers or texts")
    return y.astype(str)


def infer_task(y: Array, kind: str, output: TensorSpec | None, positions: tuple[int, ...] = ()) -> tuple[Task, str]:
    """The task that tidy labels make, and the sentence that says why.

    Texts and booleans are classes; integers are where few of them are distinct, or where the brief's output has
    as many places; whole numbers at each of the `positions` of an example (steps of a sequence, pixels of an image)
    are a class there; rows of 0 and 1 are labels of which several may apply; all else are numbers to predict. One-hot
    rows are meant as classes (and refused later).
    """
    if y.ndim > 1 and y.shape[1:] == positions and y.dtype.kind in "biu":
        return _infer_from_positions(positions, kind)
    if y.ndim == 2:
        return _infer_from_rows(y)
    distinct = len(np.unique(y))
    places = output.shape[0] if output is not None and len(output.shape) == 1 else None
    if y.dtype.kind in "bU":
        return "classification", f"task: classification, since the labels are {distinct} distinct names"
    few = distinct <= min(FEW_VALUES[kind], 2 + len(y) // 10)
    few = few and y.dtype.kind in "iu" and not (places == 1 and distinct > 2)
    if few or (places == distinct > 1 and is_whole(y)):
        return "classification", f"task: classification, since the labels are {distinct} distinct whole numbers"
    what = "floating-point numbers" if y.dtype.kind == "f" else f"{distinct} distinct whole numbers"
    return "regression", f"task: regression, since the targets are {what}"


def _infer_from_positions(positions: tuple[int, ...], kind: str) -> tuple[Task, str]:
    if len(positions) == 2:
        return "segmentation", f"task: segmentation, since each of the {sized(positions)} pixels has a class"
    if kind == "graph":
        return "node_classification", f"task: node_classification, since each of the {positions[0]} nodes has a class"
    return "sequence_labelling", f"task: sequence_labelling, since each of the {positions[0]} steps has a class"


def _infer_from_rows(y: Array) -> tuple[Task, str]:
    if y.dtype.kind == "U" or not np.isin(y, (0, 1)).all():
        return "regression", f"task: regression of {y.shape[1]} targets"
    if (y.sum(axis=1) == 1).all():
        return "classification", ""
    return "multi_label", f"task: multi_label, since each example has {y.shape[1]} values that are 0 or 1"


def check_task(task: Task, y: Array, name: str) -> None:
    """Raises DataError where tidy labels cannot serve the task that the brief names."""
    if task == "language_modelling":
        raise DataError(f"language modelling needs a text (.txt), and {name} holds examples with labels")
    if task == "regression" and y.dtype.kind in "U":
        raise DataError(
            f"regression needs numbers, but the targets of {name} are texts such as {str(y.ravel()[0])!r}: "
            "ask for classification, or name another target"
        )
    if task in ("classification", "metric_learning"):
        _check_classes(y, name)
    if task == "multi_label":
        _check_labels(y, name)
    if task in CLASS_BY_POSITION:
        _check_positions(task, y, name)
    elif y.ndim > 2:
        raise DataError(f"y of {name} has shape {sized(y.shape)}: {task} needs one value or one row per example")


def _check_classes(y: Array, name: str) -> None:
    if y.ndim == 2:
        raise DataError(
            f"classification needs one class per example, but y of {name} has shape {sized(y.shape)}: "
            "give class ids (of one-hot rows the argmax), or ask for multi_label where several apply at once"
        )
    if y.dtype.kind == "f" and not is_whole(y):
        odd = y[(y != np.floor(y)) | (np.abs(y) >= 2**53)]
        raise DataError(f"the labels of {name} are no whole numbers, such as {odd[0]:g}: ask for regression")


def _check_labels(y: Array, name: str) -> None:
    if y.dtype.kind == "U":
        raise DataError(f"multi_label needs a column of 0 and 1 for each label, but y of {name} holds texts")
    odd = y[~np.isin(y, (0, 1))]
    if odd.size:
        raise DataError(f"multi_label needs labels that are 0 or 1, but y of {name} holds {odd[0]:g}: correct them")


def _check_positions(task: Task, y: Array, name: str) -> None:
    axes = 3 if task == "segmentation" else 2
    if y.ndim != axes:
        where = {"segmentation": "pixel", "node_classification": "node"}.get(task, "step")
        raise DataError(f"{task} needs a class at each {where}, but y of {name} has shape {sized(y.shape)}")
    if y.dtype.kind == "U":
        return
    odd = y[(y != np.floor(y)) | ((y < 0) & (y != IGNORED))]
    if odd.size:
        raise DataError(
            f"the classes of {name} hold {odd[0]:g}: give whole numbers from 0 on, and {IGNORED} where nothing counts"
        )
    empty = np.flatnonzero((y == IGNORED).reshape(len(y), -1).all(axis=1))
    if len(empty):
        raise DataError(f"example {empty[0]} of {name} has no position that counts: drop it")


def check_variety(task: Task, y: Array, name: str) -> None:
    """Raises DataError where all targets are the same: there is nothing to learn."""
    if task in ("classification", "metric_learning", *CLASS_BY_POSITION):
        counted = y[y != IGNORED] if y.ndim > 1 and y.dtype.kind != "U" else y
        check_two_classes(counted, name, task)
    elif (y == y[:1]).all():
        raise DataError(f"all targets of {name} are {y[0].tolist()}: there is nothing to learn from them")


def check_two_classes(y: Array, name: str, task: Task = "classification") -> None:
    """Raises DataError where there is one class only."""
    values = np.unique(y)
    if len(values) < 2:
        raise DataError(f"all labels of {name} are {listed(values.tolist())}: {task} needs at least two classes")
