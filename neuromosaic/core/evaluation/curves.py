"""Where a learning curve will end, told by the curves of the same run that came to theirs, and how sure that is."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuromosaic.core.errors import UsageError

Array = NDArray[np.float64]
FEWEST = 10  # finished curves
TREES, LEAF = 200, 3


class Forecast(NamedTuple):
    """The last value of each curve [n]: its median, and between what it lies at the level asked for."""

    median: Array
    low: Array
    high: Array


class CurveForecast:
    """Learns from `finished` curves [n, steps] what their first `seen` values tell of how far they still change.

    A quantile regression forest (Meinshausen, 2006, JMLR 7) over the value, the best, the start, the change since
    half of the steps, and the latest change; quantiles depend on order alone, so that one diverged curve misleads
    nobody. Intervals are made wider, or narrower, by how far the curves left out of a tree's sample fell outside of
    theirs (conformalised quantile regression: Romano et al., 2019, arXiv:1905.03222, with out-of-bag trees).
    The same curves give the same forecasts. Raises UsageError for fewer than ten curves, for such as are not finite,
    and where `seen` is not within them.
    """

    def __init__(self, finished: Sequence[Sequence[float]], seen: int, level: float = 0.9) -> None:
        from sklearn.ensemble import RandomForestRegressor

        curves = _table(finished)
        if len(curves) < FEWEST:
            raise UsageError(f"a forecast takes {FEWEST} finished curves or more, not {len(curves)}")
        if not 1 <= seen < curves.shape[1]:
            raise UsageError(f"seen: {seen} of {curves.shape[1]} steps are not a part of them")
        self._seen, self._level, self._change = seen, level, curves[:, -1] - curves[:, seen - 1]
        features = _features(curves[:, :seen])
        self._forest = RandomForestRegressor(
            TREES, min_samples_leaf=LEAF, max_features=0.7, bootstrap=True, random_state=0
        ).fit(features, self._change)
        self._leaves = self._forest.apply(features)
        self._drawn = np.stack([_counts(one, len(curves)) for one in self._forest.estimators_samples_], axis=1)
        self._wider = self._calibrated()

    def predict(self, curves: Sequence[Sequence[float]]) -> Forecast:
        """Of curves [n, at least `seen`]; what comes after is not looked at. Raises UsageError as the forecast."""
        seen = _table(curves)[:, : self._seen]
        if seen.shape[1] < self._seen:
            raise UsageError(f"curves: {self._seen} values of each are needed, not {seen.shape[1]}")
        leaves = self._forest.apply(_features(seen))
        weights = np.stack([_weights(one, self._leaves, self._drawn) for one in leaves])
        low, median, high = self._quantiles(weights)
        last = seen[:, -1]
        return Forecast(
            last + median, last + np.minimum(low - self._wider, median), last + np.maximum(high + self._wider, median)
        )

    def _calibrated(self) -> float:
        """How far intervals must be moved outwards for the level to hold of curves that trees had not seen."""
        unseen = self._drawn == 0
        weights = np.stack([
            _weights(self._leaves[i][unseen[i]], self._leaves[:, unseen[i]], self._drawn[:, unseen[i]])
            for i in range(len(self._change))
        ])  # fmt: skip
        low, _, high = self._quantiles(weights)
        outside = np.sort(np.maximum(low - self._change, self._change - high))
        rank = int(np.ceil(self._level * (len(outside) + 1))) - 1
        return float(outside[min(rank, len(outside) - 1)])

    def _quantiles(self, weights: Array) -> tuple[Array, Array, Array]:
        tail = (1 - self._level) / 2
        order = np.argsort(self._change, kind="stable")
        reached = np.cumsum(weights[:, order], axis=1)
        low, median, high = (
            self._change[order][np.minimum((reached < share - 1e-12).sum(axis=1), len(order) - 1)]
            for share in (tail, 0.5, 1 - tail)
        )
        return low, median, high


def _weights(leaves: Any, known: Any, drawn: Any) -> Array:
    """[n]: how much each finished curve counts for one that falls into `leaves` [trees]."""
    inside = (known == leaves) * drawn
    totals = inside.sum(axis=0)
    share: Array = (inside / np.maximum(totals, 1)).sum(axis=1)
    return share / max(float(share.sum()), 1e-12)


def _counts(sample: Any, size: int) -> NDArray[np.int64]:
    return np.bincount(sample, minlength=size)


def _features(curves: Array) -> Array:
    """[n, 5] of [n, seen]."""
    seen = curves.shape[1]
    last, half, before = curves[:, -1], curves[:, (seen - 1) // 2], curves[:, max(0, seen - 2)]
    best = np.where(last < curves[:, 0], curves.min(axis=1), curves.max(axis=1))
    return np.stack([last, best, curves[:, 0], last - half, last - before], axis=1)


def _table(curves: Sequence[Sequence[float]]) -> Array:
    table = np.asarray(curves, dtype=np.float64)
    if table.ndim != 2 or not np.isfinite(table).all():
        raise UsageError("curves: give finite values [curves, steps], all of one length")
    return table
