"""Metrics of several labels at once: scores [n, labels] above 0 say that a label applies, targets are 0 and 1."""

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from neuromosaic.core.evaluation import weighted
from neuromosaic.core.evaluation.weighted import Weighted

Array = NDArray[Any]


def losses(outputs: Array, targets: Array) -> Array:
    """Binary cross-entropy in nats, float64 [n]: the mean over an example's labels."""
    scores = outputs.astype(np.float64)
    return np.asarray((np.logaddexp(0.0, scores) - scores * targets).mean(axis=1))


def chances(outputs: Array) -> Array:
    """The sigmoid, float64, without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * outputs.astype(np.float64))))


def _loss(outputs: Array, targets: Array) -> float:
    return float(losses(outputs, targets).mean())


def _mean_average_precision(outputs: Array, targets: Array) -> float:
    """Macro, over the labels that occur."""
    from torchmetrics.functional.classification import multilabel_average_precision

    return _macro(multilabel_average_precision, outputs, targets, np.asarray(targets.any(axis=0)))


def _auroc(outputs: Array, targets: Array) -> float:
    """Macro, over the labels that occur and do not always."""
    from torchmetrics.functional.classification import multilabel_auroc

    return _macro(multilabel_auroc, outputs, targets, np.asarray(targets.any(axis=0) & ~targets.all(axis=0)))


def _macro(metric: Callable[..., Any], outputs: Array, targets: Array, known: Array) -> float:
    """NaN where no label is `known`; the others would be undefined."""
    import torch

    if not known.any():
        return math.nan
    scores = torch.from_numpy(np.ascontiguousarray(chances(outputs)[:, known]))
    truth = torch.from_numpy(np.ascontiguousarray(targets[:, known]).astype(np.int64))
    count = int(known.sum())
    if count == 1:  # torchmetrics wants two labels or more
        scores, truth, count = scores.repeat(1, 2), truth.repeat(1, 2), 2
    return float(metric(scores, truth, num_labels=count, average="none", validate_args=False).double().mean())


def _macro_f1(outputs: Array, targets: Array) -> float:
    """Over the labels that occur or were said to."""
    actual, predicted, hit = (counts.sum(axis=0) for counts in _counts(outputs, targets))
    seen = actual + predicted > 0
    return float((2 * hit[seen] / (actual + predicted)[seen]).mean()) if seen.any() else math.nan


def _subset_accuracy(outputs: Array, targets: Array) -> float:
    return float(_all_right(outputs, targets).mean())


def per_label(outputs: Array, targets: Array) -> list[dict[str, float]]:
    """By label: precision, recall, f1, average_precision (NaN where undefined) and support (examples)."""
    actual, predicted, hit = (counts.sum(axis=0) for counts in _counts(outputs, targets))
    everyone = np.ones((1, len(targets)))
    with np.errstate(invalid="ignore", divide="ignore"):
        columns = {
            "precision": hit / predicted,
            "recall": hit / actual,
            "f1": 2 * hit / (actual + predicted),
            "average_precision": np.array([
                float(weighted.average_precision(outputs[:, label], targets[:, label] > 0)(everyone)[0])
                for label in range(outputs.shape[1])
            ]),
            "support": actual,
        }  # fmt: skip
    return [{name: float(column[label]) for name, column in columns.items()} for label in range(outputs.shape[1])]


def _all_right(outputs: Array, targets: Array) -> Array:
    return np.asarray(((outputs > 0) == (targets > 0)).all(axis=1))


def _counts(outputs: Array, targets: Array) -> tuple[Array, Array, Array]:
    """[n, labels] as float64: what it is, what was said, and both at once."""
    actual, predicted = (targets > 0).astype(np.float64), (outputs > 0).astype(np.float64)
    return actual, predicted, actual * predicted


def _weighted_macro(metric: Callable[[Array, Array], Weighted], outputs: Array, targets: Array) -> Weighted:
    labels = [metric(outputs[:, label], targets[:, label] > 0) for label in np.flatnonzero(targets.any(axis=0))]
    return lambda weights: weighted.mean_of_known(np.stack([label(weights) for label in labels], axis=1))


METRICS: Final[dict[str, Callable[[Array, Array], float]]] = {
    "loss": _loss,
    "mean_average_precision": _mean_average_precision,
    "macro_f1": _macro_f1,
    "auroc": _auroc,
    "subset_accuracy": _subset_accuracy,
    "log_loss": _loss,
}
WEIGHTED: Final[dict[str, Callable[[Array, Array], Weighted]]] = {
    "loss": lambda outputs, targets: weighted.mean(losses(outputs, targets)),
    "mean_average_precision": lambda *both: _weighted_macro(weighted.average_precision, *both),
    "macro_f1": lambda *both: weighted.f1(*_counts(*both)),
    "auroc": lambda *both: _weighted_macro(weighted.area, *both),
    "subset_accuracy": lambda *both: weighted.mean(_all_right(*both).astype(np.float64)),
    "log_loss": lambda outputs, targets: weighted.mean(losses(outputs, targets)),
}
