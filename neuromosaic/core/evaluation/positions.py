"""Metrics of a class at each position: of the steps of a sequence, or of the pixels of an image.

Scores are [n, time, classes] or [n, classes, height, width], targets int64 without the axis of the classes;
positions whose target is `IGNORED` count nowhere.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuromosaic.core.evaluation import weighted
from neuromosaic.core.evaluation.weighted import Weighted
from neuromosaic.core.tasks import IGNORED

Array = NDArray[Any]
Metric = Callable[[Array, Array], float]
IMAGES = 4  # axes of the scores of a batch of images


class Flat(NamedTuple):
    """The positions that count, one after the other: scores [m, classes], ids [m], and whose example each is [m]."""

    scores: Array
    ids: Array
    example: Array


def flat(outputs: Array, targets: Array) -> Flat:
    last = np.moveaxis(outputs, 1, -1) if outputs.ndim == IMAGES else outputs
    counted = targets != IGNORED
    return Flat(last[counted], targets[counted], np.nonzero(counted)[0])


class Counts(NamedTuple):
    """By example and class [n, classes]: what it is, what was said, and both at once."""

    actual: Array
    predicted: Array
    hit: Array


def _counts(outputs: Array, targets: Array) -> Counts:
    scores, ids, example = flat(outputs, targets)
    classes, said = scores.shape[-1], scores.argmax(axis=-1)
    kinds = ((example, ids), (example, said), (example[said == ids], ids[said == ids]))
    found = [np.bincount(row * classes + one, minlength=len(targets) * classes) for row, one in kinds]
    return Counts(*(count.reshape(len(targets), classes).astype(np.float64) for count in found))


def _loss(outputs: Array, targets: Array) -> Weighted:
    """Cross-entropy in nats per position."""
    scores, ids, example = flat(outputs, targets)
    exact = scores.astype(np.float64)
    losses = np.logaddexp.reduce(exact, axis=-1) - np.take_along_axis(exact, ids[:, None], axis=1)[:, 0]
    sums, sizes = np.bincount(example, losses, len(targets)), np.bincount(example, minlength=len(targets))
    return lambda weights: np.asarray(weights @ sums / (weights @ sizes))


def _accuracy(outputs: Array, targets: Array) -> Weighted:
    actual, _, hit = _counts(outputs, targets)
    return lambda weights: np.asarray((weights @ hit).sum(axis=1) / (weights @ actual).sum(axis=1))


def _macro_f1(outputs: Array, targets: Array) -> Weighted:
    return weighted.f1(*_counts(outputs, targets))


def _mean_iou(outputs: Array, targets: Array) -> Weighted:
    """What is and was said over what is or was said (Jaccard), the mean of the classes that are or were said."""
    actual, predicted, hit = _counts(outputs, targets)
    either = actual + predicted - hit
    return lambda weights: weighted.mean_of_known((weights @ hit) / (weights @ either))


def _of_all(metric: Callable[[Array, Array], Weighted]) -> Metric:
    def value(outputs: Array, targets: Array) -> float:
        with np.errstate(invalid="ignore", divide="ignore"):  # a class that is nowhere is left out
            return float(metric(outputs, targets)(np.ones((1, len(targets))))[0])

    return value


SEQUENCES: Final[dict[str, Callable[[Array, Array], Weighted]]] = {
    "loss": _loss, "accuracy": _accuracy, "macro_f1": _macro_f1, "log_loss": _loss,
}  # fmt: skip
SEGMENTS: Final[dict[str, Callable[[Array, Array], Weighted]]] = {
    "loss": _loss, "mean_iou": _mean_iou, "pixel_accuracy": _accuracy, "macro_f1": _macro_f1, "log_loss": _loss,
}  # fmt: skip
SEQUENCE_METRICS: Final = {name: _of_all(metric) for name, metric in SEQUENCES.items()}
SEGMENT_METRICS: Final = {name: _of_all(metric) for name, metric in SEGMENTS.items()}
