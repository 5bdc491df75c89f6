"""How promising points are, by what a surrogate expects of them: more is better."""

import math
from typing import Literal, TypeAlias

import numpy as np

from neuromosaic.core.search.coordinates import Array

Acquisition: TypeAlias = Literal["ei", "ucb", "pi"]
USUAL = 3.0  # units above the median up to which targets are proportional to scores
UPPER = 2.0  # deviations above the mean that "ucb" counts on


def acquisition(kind: Acquisition, mean: Array, deviation: Array, best: float) -> Array:
    """[n], from the mean and standard deviation [n] of each point, and the best value so far.

    "ei": expected improvement (Jones et al., 1998); "pi": probability of improvement (Kushner, 1964); "ucb": upper
    confidence bound (Srinivas et al., 2010), mean + 2 deviations.
    """
    if kind == "ucb":
        return mean + UPPER * deviation
    from scipy.special import ndtr

    ahead = (mean - best) / deviation
    if kind == "pi":
        return np.asarray(ndtr(ahead))
    density = np.exp(-(ahead**2) / 2) / math.sqrt(2 * math.pi)
    return np.asarray(deviation * (ahead * ndtr(ahead) + density))


def softened(scores: Array) -> Array:
    """Targets [n] of mean 0 and variance 1, in the order of the scores: what is good in proportion, what is bad by
    its logarithm, so that one diverged trial does not make all others alike.

    From the median, in units of what the best tenth is above it; what is more than 3 of them above grows by its
    logarithm as well. -inf counts as the worst finite score. All zeros where all are equal.
    """
    finite = scores[np.isfinite(scores)]
    if len(finite) == 0:
        return np.zeros(len(scores))
    middle, worst, best = np.median(finite), finite.min(), finite.max()
    unit = (np.quantile(finite, 0.9) - middle) or (best - middle) or (middle - worst) or 1.0
    ahead = (np.where(np.isfinite(scores), scores, worst) - middle) / unit
    low, high = np.minimum(ahead, 0.0), np.maximum(ahead - USUAL, 0.0)
    targets = np.where(ahead < 0, -np.log1p(-low), np.minimum(ahead, USUAL) + np.log1p(high))
    return scaled(targets)


def scaled(targets: Array) -> Array:
    """Of mean 0 and, unless all are equal, variance 1."""
    centred = targets - targets.mean()
    spread = float(centred.std())
    return np.asarray(centred / spread if spread else centred)
