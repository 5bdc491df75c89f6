"""Trials that were trained for different lengths, made comparable: what each would come to at one level.

Every level of fidelity tells something of the next: the trials that were at both show how much. By these pairs a
score of a lower level is carried upwards, level by level (the autoregressive scheme of Kennedy and O'Hagan, 2000,
Biometrika 87(1), with a line for each step), and what that is worth is seen on those that came all the way.
"""

from typing import NamedTuple

import numpy as np

from neuromosaic.core.search.acquisition import softened
from neuromosaic.core.search.coordinates import Array

PAIRS = 4  # trials that came to a level, from which on the others are carried to it
BELIEF = 2.0  # so many pairs the assumption counts for that half of the spread is kept and half of it is chance


class Levelled(NamedTuple):
    """`scores` [n] at one level, `targets` [n] of them (see `softened`), and the variance `doubt` [n] that carrying
    added to the targets."""

    scores: Array
    targets: Array
    doubt: Array


def levelled(seen: Array) -> Levelled:
    """Of trials with a score, more is better, at each level [n, levels] from the lowest (NaN where they were not
    seen, -inf where they failed): their scores at the highest level that at least `PAIRS` of them came to, and of
    the others those that are to be expected."""
    there = ~np.isnan(seen)
    reached = there.shape[1] - 1 - np.argmax(there[:, ::-1], axis=1)
    goal = max((at for at in range(seen.shape[1]) if (reached >= at).sum() >= PAIRS), default=0)
    lines = [_line(seen[:, at], seen[:, at + 1]) for at in range(goal)]
    lowest = seen[np.arange(len(seen)), np.argmax(there, axis=1)]  # also of those that began above the goal
    scores = np.where(there[:, 0], seen[:, 0], lowest)
    for at, line in enumerate(lines, start=1):
        begun = there[:, :at].any(axis=1)
        scores = np.where(there[:, at], seen[:, at], np.where(begun, line(scores), scores))
    targets = softened(scores)
    doubts = np.array([*(_doubt(seen, lines, at, scores, targets) for at in range(goal)), 0.0])
    return Levelled(scores, targets, doubts[np.minimum(reached, goal)])


def _doubt(seen: Array, lines: list["Line"], at: int, scores: Array, targets: Array) -> float:
    """How far off, in targets, those turned out that are carried from a level and then came to the last."""
    finite = np.isfinite(scores)
    both = finite & ~np.isnan(seen[:, len(lines)]) & np.isfinite(seen[:, at])
    if not both.any():
        return 0.5
    expected = seen[both, at]
    for line in lines[at:]:
        expected = line(expected)
    order = np.argsort(scores[finite], kind="stable")
    missed = np.interp(expected, scores[finite][order], targets[finite][order]) - targets[both]
    return float(missed @ missed + BELIEF / 2) / float(both.sum() + BELIEF)


class Line(NamedTuple):
    """From scores of a level to those of the next: a line between both, what is far below its middle softened."""

    middle: float
    unit: float
    slope: float
    onto_middle: float
    onto_unit: float

    def __call__(self, scores: Array) -> Array:
        """[n] of [n]; what failed stays so."""
        finite = np.isfinite(scores)
        ahead = self.slope * _soft((np.where(finite, scores, self.middle) - self.middle) / self.unit)
        return np.where(finite, self.onto_middle + self.onto_unit * _hard(ahead), scores)


def _line(below: Array, above: Array) -> Line:
    """By least squares over the trials that were seen at both, [n] each."""
    both = np.isfinite(below) & np.isfinite(above)
    if not both.any():
        return Line(0.0, 1.0, 1.0, 0.0, 1.0)
    pairs = np.column_stack([below[both], above[both]])
    middles = np.median(pairs, axis=0)
    units = np.abs(pairs - middles).mean(axis=0)
    units = np.where(units > 0, units, units.max() or 1.0)
    low, high = _soft((pairs - middles) / units).T
    slope = max(0.0, float((low @ high + BELIEF / 2) / (low @ low + BELIEF)))
    return Line(float(middles[0]), float(units[0]), slope, float(middles[1]), float(units[1]))


def _soft(values: Array) -> Array:
    """As they are from 0 up, by their logarithm below."""
    return np.where(values < 0, -np.log1p(-np.minimum(values, 0.0)), values)


def _hard(values: Array) -> Array:
    """The values of which `_soft` makes these."""
    return np.where(values < 0, -np.expm1(-np.minimum(values, 0.0)), values)
