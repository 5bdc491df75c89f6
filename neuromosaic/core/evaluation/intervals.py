"""How sure a metric is, given how many examples it was measured on."""

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromosaic.core.brief import Task
from neuromosaic.core.evaluation import generation, multi_label, positions, similarity, weighted
from neuromosaic.core.evaluation.metrics import check_metrics, probabilities, token_losses
from neuromosaic.core.evaluation.weighted import Weighted

Array = NDArray[Any]

RESAMPLES = 1000
BLOCK = 1 << 22  # weights held at a time


def interval(
    task: Task, name: str, outputs: Array, targets: Array, level: float = 0.95, naive_error: float = math.nan
) -> tuple[float, float]:
    """The (low, high) that covers the metric with probability `level` over draws of the examples.

    Wilson's interval for the accuracy of a classification; for all else the percentile bootstrap (Efron, 1979)
    over 1000 seeded resamples of the examples; of whole sequences and images where each position has an answer, for
    these depend on one another. (NaN, NaN) where the metric itself is NaN. Arrays as for `metrics.score`.

    Raises UsageError for a name that is no metric of the task.
    """
    check_metrics(task, [name])
    if not np.isfinite(outputs).all():
        return math.nan, math.nan
    if task == "classification" and name == "accuracy":
        return wilson(int((outputs.argmax(axis=-1) == targets).sum()), len(targets), level)
    values = _bootstrap(_WEIGHTED[task][name](outputs, targets), len(targets))
    values = values[~np.isnan(values)] / (naive_error if name == "mase" else 1)
    if not len(values):
        return math.nan, math.nan
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def wilson(successes: int, trials: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval (1927) for a share of `trials` >= 1."""
    z = NormalDist().inv_cdf((1 + level) / 2)
    share, spread = successes / trials, z * z / trials
    centre = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / trials + spread / (4 * trials))
    return max(0.0, centre - half), min(1.0, centre + half)


# ---------------------------------------------------------------- metrics under weights


def _bootstrap(metric: Weighted, examples: int) -> Array:
    draw = np.random.default_rng(0)
    rows = max(1, BLOCK // examples)
    counts = [min(rows, RESAMPLES - first) for first in range(0, RESAMPLES, rows)]
    with np.errstate(invalid="ignore", divide="ignore"):  # a resample without a class: NaN, left out
        return np.concatenate([metric(_weights(draw, count, examples)) for count in counts])


def _weights(draw: np.random.Generator, resamples: int, examples: int) -> Array:
    """How often each example was drawn, in each resample."""
    drawn = draw.integers(examples, size=(resamples, examples))
    drawn += np.arange(resamples)[:, None] * examples
    counts = np.bincount(drawn.ravel(), minlength=resamples * examples)
    return counts.reshape(resamples, examples).astype(np.float64)


def _loss(outputs: Array, targets: Array) -> Weighted:
    losses = token_losses(outputs, targets)
    return weighted.mean(losses.reshape(len(losses), -1).mean(axis=1))


def _bits(outputs: Array, targets: Array) -> Weighted:
    return weighted.through(lambda nats: nats / math.log(2), _loss(outputs, targets))


def _perplexity(outputs: Array, targets: Array) -> Weighted:
    return weighted.through(lambda nats: np.asarray(np.exp(np.minimum(nats, 700))), _loss(outputs, targets))


def _accuracy(outputs: Array, targets: Array) -> Weighted:
    return weighted.mean((outputs.argmax(axis=-1) == targets).reshape(len(targets), -1).mean(axis=1))


def _balanced_accuracy(outputs: Array, targets: Array) -> Weighted:
    actual, _, hit = _hits(outputs, targets)
    return lambda weights: weighted.mean_of_known((weights @ hit) / (weights @ actual))


def _macro_f1(outputs: Array, targets: Array) -> Weighted:
    actual, predicted, hit = _hits(outputs, targets)
    return weighted.f1(actual, predicted, hit)


def _hits(outputs: Array, targets: Array) -> tuple[Array, Array, Array]:
    """One-hot [examples, classes] of what it is, what was said, and both at once."""
    ones = np.eye(outputs.shape[-1])
    actual, predicted = ones[targets], ones[outputs.argmax(axis=-1)]
    return actual, predicted, actual * predicted


def _auroc(outputs: Array, targets: Array) -> Weighted:
    scores = probabilities(outputs)
    areas = [weighted.area(scores[:, label], targets == label) for label in np.unique(targets)]
    return lambda weights: weighted.mean_of_known(np.stack([area(weights) for area in areas], axis=1))


def _squared(outputs: Array, targets: Array) -> Weighted:
    return weighted.mean(((outputs.astype(np.float64) - targets) ** 2).mean(axis=1))


def _rmse(outputs: Array, targets: Array) -> Weighted:
    return weighted.through(lambda squares: np.asarray(np.sqrt(squares)), _squared(outputs, targets))


def _mae(outputs: Array, targets: Array) -> Weighted:
    return weighted.mean(np.abs(outputs.astype(np.float64) - targets).mean(axis=1))


def _r2(outputs: Array, targets: Array) -> Weighted:
    centred = targets - targets.astype(np.float64).mean(axis=0)  # keeps the difference of large sums exact
    errors = (outputs.astype(np.float64) - targets) ** 2

    def r2(weights: Array) -> Array:
        total = weights @ centred**2 - (weights @ centred) ** 2 / weights.sum(axis=1, keepdims=True)
        return np.asarray((1 - weights @ errors / np.where(total > 0, total, np.nan)).mean(axis=1))

    return r2


_WEIGHTED: dict[Task, dict[str, Callable[[Array, Array], Weighted]]] = {
    "classification": {
        "loss": _loss,
        "balanced_accuracy": _balanced_accuracy,
        "macro_f1": _macro_f1,
        "auroc": _auroc,
        "log_loss": _loss,
    },
    "multi_label": multi_label.WEIGHTED,
    "regression": {"loss": _squared, "rmse": _rmse, "mae": _mae, "r2": _r2},
    "language_modelling": {
        "loss": _loss,
        "bits_per_character": _bits,
        "perplexity": _perplexity,
        "accuracy": _accuracy,
    },
    "sequence_labelling": positions.SEQUENCES,
    "node_classification": positions.SEQUENCES,
    "segmentation": positions.SEGMENTS,
    "forecasting": {"loss": _squared, "mae": _mae, "mase": _mae, "rmse": _rmse},
    "generation": generation.WEIGHTED,
    "metric_learning": similarity.WEIGHTED,
}
