"""Metrics under weights of the examples: what a bootstrap over examples is made of."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

Weighted = Callable[[Array], Array]
"""Weights float64 [resamples, examples] -> the metric under each, [resamples]."""


def mean(values: Array) -> Weighted:
    """The mean of one value per example, [examples]."""
    return lambda weights: np.asarray(weights @ values / weights.sum(axis=1))


def through(function: Callable[[Array], Array], metric: Weighted) -> Weighted:
    return lambda weights: function(metric(weights))


def mean_of_known(values: Array) -> Array:
    """[resamples, classes] to [resamples]; left out is what a resample lacks, NaN only where it lacks all."""
    known = ~np.isnan(values)
    return np.asarray(np.where(known, values, 0.0).sum(axis=1) / known.sum(axis=1))


def f1(actual: Array, predicted: Array, hit: Array) -> Weighted:
    """The macro F1 of counts per example and class, [examples, classes]."""
    return lambda weights: mean_of_known(2 * (weights @ hit) / (weights @ actual + weights @ predicted))


def area(scores: Array, positive: Array) -> Weighted:
    """The share of (positive, negative) pairs in the right order; ties count half (Mann & Whitney, 1947)."""
    negatives = np.flatnonzero(~positive)
    negatives = negatives[np.argsort(scores[negatives], kind="stable")]
    lower = np.searchsorted(scores[negatives], scores[positive], side="left")
    upper = np.searchsorted(scores[negatives], scores[positive], side="right")

    def area(weights: Array) -> Array:
        below = np.pad(weights[:, negatives].cumsum(axis=1), ((0, 0), (1, 0)))
        above = weights[:, positive]
        pairs = (above * (below[:, lower] + below[:, upper])).sum(axis=1) / 2
        return np.asarray(pairs / (above.sum(axis=1) * below[:, -1]))

    return area


def average_precision(scores: Array, positive: Array) -> Weighted:
    """The precision at the score of each positive, averaged over the positives; equal scores count together."""
    order = np.argsort(-scores, kind="stable")
    ranked = -scores[order]
    last = np.searchsorted(ranked, ranked[positive[order]], side="right") - 1

    def precision(weights: Array) -> Array:
        ordered = weights[:, order]
        seen = ordered.cumsum(axis=1)[:, last]
        found = (ordered * positive[order]).cumsum(axis=1)[:, last]
        own = ordered[:, positive[order]]
        precisions = np.divide(found, seen, out=np.zeros_like(found), where=seen > 0)
        return np.asarray((own * precisions).sum(axis=1) / own.sum(axis=1))

    return precision
