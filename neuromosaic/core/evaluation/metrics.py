"""Metrics: computed by the host from a network's raw outputs and labels that no worker has seen.

Outputs that are not finite give NaN for every metric, "loss" included: never an error, for a candidate may do so,
and never better than any number (see `is_better`).
"""

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuromosaic.core.brief import Contract, Task
from neuromosaic.core.errors import UsageError
from neuromosaic.core.evaluation import generation, multi_label, positions, similarity
from neuromosaic.core.tasks import CALLED, METRICS_OF

Array = NDArray[Any]

# The first of each task is its default.
_AVAILABLE: dict[Task, tuple[str, ...]] = {
    "classification": ("accuracy", "balanced_accuracy", "macro_f1", "auroc", "log_loss"),
    "multi_label": ("mean_average_precision", "macro_f1", "auroc", "subset_accuracy", "log_loss"),
    "regression": ("rmse", "mae", "r2"),
    "language_modelling": ("bits_per_character", "perplexity", "accuracy"),
    "sequence_labelling": ("accuracy", "macro_f1", "log_loss"),
    "forecasting": ("mae", "mase", "rmse"),
    "node_classification": ("accuracy", "macro_f1", "log_loss"),
    "segmentation": ("mean_iou", "pixel_accuracy", "macro_f1", "log_loss"),
    "generation": ("reconstruction_rmse", "energy_distance", "negative_log_likelihood", "coverage"),
    "metric_learning": ("recall_at_1", "knn_accuracy"),
}
_LOWER_IS_BETTER = frozenset({
    "loss", "log_loss", "rmse", "mae", "mase", "bits_per_character", "perplexity", "reconstruction_rmse",
    "energy_distance", "negative_log_likelihood",
})  # fmt: skip

BLOCK = 1 << 22  # scores turned into float64 at a time


def available(task: Task) -> tuple[str, ...]:
    """The metrics of a task; "loss" comes besides."""
    return _AVAILABLE[task]


def measurable(contract: Contract) -> tuple[str, ...]:
    """The metrics that a network of this contract can have; of a generative one those of its kind."""
    return METRICS_OF[contract.generative] if contract.generative else available(contract.task)


def higher_is_better(name: str) -> bool:
    """Raises UsageError for a name that is no metric."""
    if name not in _LOWER_IS_BETTER and not any(name in names for names in _AVAILABLE.values()):
        raise UsageError(f"no metric is called {name!r}: there are {', '.join(sorted(_names()))}")
    return name not in _LOWER_IS_BETTER


def check_metrics(task: Task, names: Sequence[str]) -> None:
    """Raises UsageError for the first name that is no metric of the task."""
    _check(names, _AVAILABLE[task], task)


def check_measurable(contract: Contract, names: Sequence[str]) -> None:
    """Raises UsageError for the first name that is no metric of a network of this contract."""
    _check(names, measurable(contract), CALLED[contract.generative] if contract.generative else contract.task)


def _check(names: Sequence[str], known: Sequence[str], what: str) -> None:
    for name in names:
        if name not in ("loss", *known):
            raise UsageError(f"{name!r} is no metric of {what}: there are {', '.join(known)}")


def is_better(name: str, value: float, than: float) -> bool:
    """Whether `value` of this metric beats `than`; NaN beats nothing, and any number beats NaN."""
    if math.isnan(value) or math.isnan(than):
        return math.isnan(than) and not math.isnan(value)
    return value > than if higher_is_better(name) else value < than


def score(
    task: Task, outputs: Array, targets: Array, names: Sequence[str], naive_error: float = math.nan
) -> dict[str, float]:
    """The named metrics and "loss" of raw outputs; "mase" is the mean absolute error over `naive_error`.

    classification: scores [n, classes], int64 [n]; loss: cross-entropy in nats. multi_label: scores [n, labels], 0 or
    1 [n, labels]; loss: binary cross-entropy in nats. regression and forecasting: [n, targets] twice, in the unit
    wanted; loss: mean squared error. language_modelling: scores [n, time, vocabulary], int64 [n, time]; loss:
    cross-entropy in nats per token; sequence_labelling and node_classification alike, segmentation: scores [n,
    classes, height, width]; targets of -100 do not count. generation: see `generation`, in standard deviations of the
    training data; loss: mean squared error of what comes back, of a density its negative log-likelihood, of a pair
    trained in turn the energy distance.
    metric_learning: embeddings [n, dimensions], int64 [n];
    loss: contrastive. Averages: macro over the classes or labels that occur
    (balanced_accuracy, auroc one against the rest), plain over several regression targets. auroc and r2 are NaN where
    they are not defined.

    Raises UsageError for a name that is no metric of the task.
    """
    check_metrics(task, names)
    wanted = dict.fromkeys(("loss", *names))
    if task != "generation" and not np.isfinite(outputs).all():
        return dict.fromkeys(wanted, math.nan)
    return {name: _METRICS[task][name](outputs, targets) / (naive_error if name == "mase" else 1) for name in wanted}


def token_losses(outputs: Array, targets: Array) -> Array:
    """Cross-entropy in nats, float64, one per target; `outputs` has one more axis, the scores of the classes."""
    classes = outputs.shape[-1]
    scores, ids = outputs.reshape(-1, classes), targets.reshape(-1)
    rows = max(1, BLOCK // classes)
    blocks = [_cross_entropies(scores[i : i + rows], ids[i : i + rows]) for i in range(0, len(ids), rows)]
    return np.concatenate(blocks).reshape(targets.shape)


def _cross_entropies(scores: Array, ids: Array) -> Array:
    shifted = scores.astype(np.float64)
    shifted -= shifted.max(axis=1, keepdims=True)
    chosen = np.take_along_axis(shifted, ids[:, None], axis=1)[:, 0]
    return np.asarray(np.log(np.exp(shifted).sum(axis=1)) - chosen)


def probabilities(outputs: Array) -> Array:
    """Softmax over the last axis, float64."""
    shifted = outputs - outputs.max(axis=-1, keepdims=True).astype(np.float64)
    powers = np.exp(shifted)
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


# ---------------------------------------------------------------- one function per metric


def _cross_entropy(outputs: Array, targets: Array) -> float:
    return float(token_losses(outputs, targets).mean())


def _bits(outputs: Array, targets: Array) -> float:
    return _cross_entropy(outputs, targets) / math.log(2)


def _perplexity(outputs: Array, targets: Array) -> float:
    nats = _cross_entropy(outputs, targets)
    return math.exp(nats) if nats < 700 else math.inf


def _accuracy(outputs: Array, targets: Array) -> float:
    counts = _counts(outputs, targets)
    return float(counts.true_positives.sum() / counts.support.sum())


def _balanced_accuracy(outputs: Array, targets: Array) -> float:
    counts = _counts(outputs, targets)
    present = counts.support > 0
    return float((counts.true_positives[present] / counts.support[present]).mean())


def _macro_f1(outputs: Array, targets: Array) -> float:
    return float(np.nanmean(_f1(_counts(outputs, targets))))


def _auroc(outputs: Array, targets: Array) -> float:
    from torchmetrics.functional.classification import multiclass_auroc

    present = np.unique(targets)
    if len(present) < 2:
        return math.nan
    scores, labels = _tensors(probabilities(outputs), targets)
    with warnings.catch_warnings():  # of classes that do not occur, which are left out of the mean
        warnings.filterwarnings("ignore", "No positive samples", UserWarning)
        areas = multiclass_auroc(scores, labels, num_classes=outputs.shape[-1], average="none", validate_args=False)
    return float(areas.double().numpy()[present].mean())


class ClassCounts(NamedTuple):
    """Whole numbers per class, [classes]: divided in float64, for in float32 19 of 20 is less than 0.95."""

    true_positives: Array
    false_positives: Array
    support: Array


def _counts(outputs: Array, targets: Array) -> ClassCounts:
    from torchmetrics.functional.classification import multiclass_stat_scores

    classes = outputs.shape[-1]
    scores, labels = _tensors(outputs.reshape(-1, classes), targets.reshape(-1))
    counts = multiclass_stat_scores(scores, labels, num_classes=classes, average="none", validate_args=False).numpy()
    return ClassCounts(counts[:, 0], counts[:, 1], counts[:, 4])


def _f1(counts: ClassCounts) -> Array:
    """2 tp / (2 tp + fp + fn) per class; NaN for a class that neither occurs nor was predicted."""
    return _share(2 * counts.true_positives, counts.true_positives + counts.false_positives + counts.support)


def per_class(outputs: Array, targets: Array) -> list[dict[str, float]]:
    """Of a classification, by class id: precision, recall, f1 (NaN where undefined) and support (examples)."""
    counts = _counts(outputs, targets)
    positives = counts.true_positives
    columns = {
        "precision": _share(positives, positives + counts.false_positives),
        "recall": _share(positives, counts.support),
        "f1": _f1(counts),
        "support": counts.support,
    }
    return [{name: float(column[i]) for name, column in columns.items()} for i in range(len(positives))]


def _share(part: Array, whole: Array) -> Array:
    return np.asarray(np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0))


def _mean_squared_error(outputs: Array, targets: Array) -> float:
    from torchmetrics.functional import mean_squared_error

    return float(mean_squared_error(*_tensors_float64(outputs, targets)))


def _rmse(outputs: Array, targets: Array) -> float:
    return math.sqrt(_mean_squared_error(outputs, targets))


def _mae(outputs: Array, targets: Array) -> float:
    from torchmetrics.functional import mean_absolute_error

    return float(mean_absolute_error(*_tensors_float64(outputs, targets)))


def _r2(outputs: Array, targets: Array) -> float:
    from torchmetrics.functional import r2_score

    if len(targets) < 2 or (targets == targets[0]).all(axis=0).any():
        return math.nan  # a constant target has no variance to explain
    return float(r2_score(*_tensors_float64(outputs, targets)))


def _tensors(outputs: Array, targets: Array) -> Any:
    import torch

    return tuple(torch.from_numpy(np.require(array, requirements=["C", "W"])) for array in (outputs, targets))


def _tensors_float64(outputs: Array, targets: Array) -> Any:
    return _tensors(outputs.astype(np.float64), targets.astype(np.float64))


_METRICS: dict[Task, dict[str, Callable[[Array, Array], float]]] = {
    "classification": {
        "loss": _cross_entropy,
        "accuracy": _accuracy,
        "balanced_accuracy": _balanced_accuracy,
        "macro_f1": _macro_f1,
        "auroc": _auroc,
        "log_loss": _cross_entropy,
    },
    "multi_label": multi_label.METRICS,
    "regression": {"loss": _mean_squared_error, "rmse": _rmse, "mae": _mae, "r2": _r2},
    "language_modelling": {
        "loss": _cross_entropy,
        "bits_per_character": _bits,
        "perplexity": _perplexity,
        "accuracy": _accuracy,
    },
    "sequence_labelling": positions.SEQUENCE_METRICS,
    "node_classification": positions.SEQUENCE_METRICS,
    "segmentation": positions.SEGMENT_METRICS,
    "forecasting": {"loss": _mean_squared_error, "mae": _mae, "mase": _mae, "rmse": _rmse},
    "generation": generation.METRICS,
    "metric_learning": similarity.METRICS,
}


def _names() -> set[str]:
    return {"loss"}.union(*_AVAILABLE.values())
