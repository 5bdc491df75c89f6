"""Trials that were trained for different lengths, made comparable: what each would come to at one level.

Every level of fidelity tells something of the next: the trials that were at both show how much. By these pairs a
score of a lower level is carried upwards, level by level (the autoregressive scheme of Kennedy and O'Hagan, 2000,
Biometrika 87(1), with a line for each step), and what that is worth is seen on those that came all the way.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from neuromosaic.core.search.acquisition import softened
from neuromosaic.core.search.coordinates import Array

PAIRS = 4  # trials that came to a level, from which on the others are carried to it
BELIEF = 2.0  # so many pairs the assumption counts for that half of the spread is kept and half of it is chance
Curve: TypeAlias = Mapping[float, float]
"""A trial's score, more is better, by each level of fidelity that it was seen at; -inf where it failed."""


class Levelled(NamedTuple):
    """`scores` [n] at one level, `targets` [n] of them (see `softened`), and the variance `doubt` [n] that carrying
    added to the targets."""

    scores: Array
    targets: Array
    doubt: Array


def levelled(curves: Sequence[Curve]) -> Levelled:
    """Of trials, at the highest level that at least `PAIRS` of them came to: softened scores that were seen there,
    of the others those that are to be expected."""
    levels = sorted({level for curve in curves for level in curve})
    reached = [levels.index(max(curve)) for curve in curves]
    goal = max((at for at in range(len(levels)) if sum(top >= at for top in reached) >= PAIRS), default=0)
    lines = [_line(curves, levels[at], levels[at + 1]) for at in range(goal)]
    scores = np.array([_carried(curve, levels[: goal + 1], lines) for curve in curves])
    targets = softened(scores)
    doubts = _doubts(curves, levels[: goal + 1], lines, scores, targets)
    return Levelled(scores, targets, np.array([doubts[min(top, goal)] for top in reached]))


def _carried(curve: Curve, levels: Sequence[float], lines: Sequence["Line"]) -> float:
    """The score at the last of `levels`, from the highest of them that was seen."""
    seen = [at for at, level in enumerate(levels) if level in curve]
    if not seen:  # it began above them
        return curve[min(curve)]
    return _along(lines[seen[-1] :], curve[levels[seen[-1]]])


def _along(lines: Sequence["Line"], score: float) -> float:
    for line in lines:
        score = line(score)
    return score


def _doubts(
    curves: Sequence[Curve], levels: Sequence[float], lines: Sequence["Line"], scores: Array, targets: Array
) -> list[float]:
    """By level: how far off, in targets, those turned out that were carried from there and then came to the last."""
    order = np.argsort(scores, kind="stable")
    finite = order[np.isfinite(scores[order])]
    doubts = []
    for at, level in enumerate(levels[:-1]):
        both = [number for number, curve in enumerate(curves) if level in curve and levels[-1] in curve]
        both = [number for number in both if np.isfinite(scores[number])]
        expected = [_along(lines[at:], curves[number][level]) for number in both]
        missed = np.interp(expected, scores[finite], targets[finite]) - targets[both] if both else np.zeros(0)
        doubts.append((float(missed @ missed) + BELIEF / 2) / (len(both) + BELIEF))
    return [*doubts, 0.0]


# ---------------------------------------------------------------- from one level to the next


class Line(NamedTuple):
    """From scores of a level to those of the next: a line between both, what is far below its middle softened."""

    middle: float
    unit: float
    slope: float
    onto_middle: float
    onto_unit: float

    def __call__(self, score: float) -> float:
        if not np.isfinite(score):
            return score
        ahead = self.slope * float(_soft((score - self.middle) / self.unit))
        return self.onto_middle + self.onto_unit * float(_hard(ahead))


def _line(curves: Sequence[Curve], level: float, above: float) -> Line:
    """By least squares over the trials that were seen at both."""
    pairs = np.array([(curve[level], curve[above]) for curve in curves if level in curve and above in curve])
    pairs = pairs[np.isfinite(pairs).all(axis=1)] if len(pairs) else np.zeros((0, 2))
    if len(pairs) == 0:
        return Line(0.0, 1.0, 1.0, 0.0, 1.0)
    middles = np.median(pairs, axis=0)
    units = np.abs(pairs - middles).mean(axis=0)
    units = np.where(units > 0, units, units.max() or 1.0)
    low, high = _soft((pairs - middles) / units).T
    slope = (low @ high + BELIEF / 2) / (low @ low + BELIEF)
    return Line(float(middles[0]), float(units[0]), max(0.0, float(slope)), float(middles[1]), float(units[1]))


def _soft(values: Array | float) -> Array:
    """As they are from 0 up, by their logarithm below."""
    return np.where(np.asarray(values) < 0, -np.log1p(-np.minimum(values, 0.0)), values)


def _hard(values: Array | float) -> Array:
    """The values of which `_soft` makes these."""
    return np.where(np.asarray(values) < 0, -np.expm1(-np.minimum(values, 0.0)), values)
