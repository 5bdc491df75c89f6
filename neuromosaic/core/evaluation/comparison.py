"""How far a figure, or a difference between two candidates, may be chance: of the seed and of the examples at once.

A score per seed and example, y[s, i] = mean + seed[s] + example[i] + rest[s, i], all but the mean random: seeds and
examples are both samples of what might have been drawn. The variance of the mean is (MS_seeds + MS_examples -
MS_rest) / (S * N) by the mean squares of the two-way table without repetition, with Satterthwaite's (1946) degrees of
freedom: the quasi F ratio for two crossed random factors (Clark, 1973, J. Verbal Learning and Verbal Behavior 12,
p. 347). A test over examples alone takes one lucky seed for a better network; one over seeds alone takes lucky
examples for it.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuromosaic.core.brief import Task
from neuromosaic.core.errors import UsageError
from neuromosaic.core.evaluation.metrics import token_losses

Array = NDArray[np.float64]


class Estimate(NamedTuple):
    """A mean over `seeds` and `examples`, the interval that covers it at the level asked for, and `p`: how likely a
    mean so far from 0 is where the truth is 0 (two-sided). Of one seed alone nothing is known of other seeds."""

    mean: float
    low: float
    high: float
    p: float
    seeds: int
    examples: int

    def __str__(self) -> str:
        over = f"{self.seeds} seeds" if self.seeds > 1 else "one seed (others may differ)"
        return (
            f"{self.mean:+.4g} [{self.low:+.4g}, {self.high:+.4g}], p {self.p:.2g}, {over}, {self.examples} examples"
        )


def estimate(scores: Any, level: float = 0.95) -> Estimate:
    """Of scores [seeds, examples]. Raises UsageError for fewer than two examples or what is not finite.

    >>> print(estimate([[1, 0, 1, 1], [1, 0, 1, 1]]))
    +0.75 [-0.04561, +1.546], p 0.058, 2 seeds, 4 examples
    """
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2 or table.shape[0] < 1 or table.shape[1] < 2 or not np.isfinite(table).all():
        raise UsageError(f"scores: give finite numbers [seeds, examples], two examples or more, not {table.shape}")
    from scipy.stats import t as student

    mean, (variance, freedom) = float(table.mean()), _variance(table)
    if variance == 0:
        return Estimate(mean, mean, mean, float(mean == 0), *table.shape)
    half = float(student.ppf((1 + level) / 2, freedom)) * variance**0.5
    p = 2 * float(student.sf(abs(mean) / variance**0.5, freedom))
    return Estimate(mean, mean - half, mean + half, p, *table.shape)


def difference(one: Any, other: Any, level: float = 0.95) -> Estimate:
    """How much higher `one` scores than `other`, paired by seed and example: both [seeds, examples].

    Raises UsageError where they are not of one shape, and as `estimate`.
    """
    first, second = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if first.shape != second.shape:
        raise UsageError(f"scores: a pair for each seed and example is needed, not {first.shape} and {second.shape}")
    return estimate(first - second, level)


def example_scores(task: Task, outputs: NDArray[Any], targets: NDArray[Any]) -> Array:
    """One score per example [n], more is better: 1 or 0 for a class; less the squared error, or less the mean loss
    of the tokens."""
    if task == "classification":
        return np.asarray(outputs.argmax(axis=-1) == targets, dtype=np.float64)
    if task == "regression":
        return -np.asarray(((outputs.astype(np.float64) - targets) ** 2).reshape(len(targets), -1).mean(axis=1))
    if task != "language_modelling":
        raise UsageError(f"task: there is no score per example for {task}")
    losses = token_losses(outputs, targets)
    return -np.asarray(losses.reshape(len(targets), -1).mean(axis=1), dtype=np.float64)


def _variance(table: Array) -> tuple[float, float]:
    """Of the mean, and its degrees of freedom."""
    seeds, examples = table.shape
    if seeds == 1:
        return float(table.var(ddof=1)) / examples, examples - 1.0
    by_seed = examples * float(table.mean(axis=1).var(ddof=1))
    by_example = seeds * float(table.mean(axis=0).var(ddof=1))
    rest = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + table.mean()
    by_rest = float((rest**2).sum()) / ((seeds - 1) * (examples - 1))
    both = by_seed + by_example - by_rest
    candidates = [
        (by_seed, seeds - 1.0), (by_example, examples - 1.0),
        (both, _freedom(both, by_seed, by_example, by_rest, seeds, examples)),
    ]  # fmt: skip
    largest = max(candidates, key=lambda found: found[0])  # a part cannot exceed the whole: where it does, by chance
    return largest[0] / table.size, largest[1]


def _freedom(both: float, by_seed: float, by_example: float, by_rest: float, seeds: int, examples: int) -> float:
    parts = by_seed**2 / (seeds - 1) + by_example**2 / (examples - 1)
    parts += by_rest**2 / ((seeds - 1) * (examples - 1))
    return max(1.0, both**2 / parts) if parts else 1.0
