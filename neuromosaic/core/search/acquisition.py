"""How promising points are, by what a surrogate expects of them: more is better."""

import math
from typing import Literal, TypeAlias

import numpy as np

from neuromosaic.core.search.coordinates import Array

Acquisition: TypeAlias = Literal["ei", "ucb", "pi"]
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


def rank_normal(scores: Array) -> Array:
    """Targets [n] of mean 0 and variance 1: the normal quantiles of the ranks; equal scores share theirs.

    -inf is the worst. All zeros where all are equal.
    """
    from scipy.special import ndtri
    from scipy.stats import rankdata

    targets: Array = ndtri((rankdata(scores) - 0.5) / len(scores))
    targets = targets - targets.mean()
    spread = float(targets.std())
    return targets / spread if spread else targets
