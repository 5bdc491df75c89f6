"""Cheap signals put together, each only as far as it agreed with trials of the same run.

A signal is a number per candidate: a zero-cost proxy, a short training's metric, a size. What it is worth is its rank
correlation with the trials that were measured; where that could be chance, the signal is dropped, and said.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuromosaic.core.errors import UsageError
from neuromosaic.core.evaluation.learners import LEARNERS, Learner

if TYPE_CHECKING:
    from neuromosaic.core.evaluation.graph_network import GraphNetworks, Wired

Array = NDArray[np.float64]
Signals = Mapping[str, float]

GRAPH_NETWORK = "graph network"
FEWEST = 8  # trials, below which no correlation is told from chance


def spearman(one: Sequence[float], other: Sequence[float]) -> float:
    """Rank correlation in [-1, 1], ties sharing the mean of their ranks (Spearman, 1904); NaN where one is constant.

    >>> spearman([1, 2, 3, 4], [10, 20, 40, 30])
    0.8
    """
    first, second = (_ranks(np.asarray(values, dtype=np.float64)) for values in (one, other))
    first, second = first - first.mean(), second - second.mean()
    scale = math.sqrt(float(first @ first) * float(second @ second))
    return round(float(first @ second) / scale, 12) if scale else math.nan


class Worth(NamedTuple):
    """A signal's Spearman with `trials` measured values, and its interval of 95%; `used` where that leaves out 0."""

    correlation: float
    low: float
    high: float
    trials: int

    @property
    def used(self) -> bool:
        return self.low > 0 or self.high < 0


def worth(signal: Sequence[float], measured: Sequence[float], level: float = 0.95) -> Worth:
    """By Fisher's transformation with the variance of ranks (Bonett & Wright, 2000, section 2).

    Fewer than eight trials, or a constant, say nothing: the interval is then [-1, 1].
    """
    trials, correlation = len(measured), spearman(signal, measured) if len(measured) > 1 else math.nan
    if trials < FEWEST or math.isnan(correlation):
        return Worth(correlation, -1.0, 1.0, trials)
    half = NormalDist().inv_cdf((1 + level) / 2) * math.sqrt((1 + correlation**2 / 2) / (trials - 3))
    centre = math.atanh(min(max(correlation, -1 + 1e-9), 1 - 1e-9))
    return Worth(correlation, math.tanh(centre - half), math.tanh(centre + half), trials)


@dataclass(frozen=True)
class Predicted:
    """Values in the measured unit, [candidates], and how sure: the standard deviation of a measurement about them."""

    mean: Array
    deviation: Array


class SignalEnsemble:
    """Learns the measured value from the signals that are worth something.

    By whichever of `learners` ("trees", "gaussian process") told trials best that it had not seen, on the signals'
    ranks: only order is believed of a proxy. With `networks`, what graph networks over them say is one signal more:
    of a trial by the member that was kept from it, so that it proves itself as the others do. `worth` by name says
    what each signal was worth, `own` what the chosen learner was worth on trials it had not seen, and `learner` which
    it is; where no signal was worth anything, `used` is empty and every prediction is the mean. The same trials give
    the same fit.
    """

    def __init__(
        self, signals: Sequence[Signals], measured: Sequence[float], learners: Sequence[str] = ("trees",),
        networks: "Wired" = (),
    ) -> None:  # fmt: skip
        """One mapping and one finite value per trial, and its operations (`wiring`) or no networks at all. Raises
        UsageError where these are no pairs."""
        if len(signals) != len(measured) or not measured or not np.isfinite(measured).all():
            raise UsageError(f"an ensemble takes one finite value per trial: {len(signals)} signals, {len(measured)}")
        self._measured = np.asarray(measured, dtype=np.float64)
        self._graphs = _graph_networks(networks, self._measured) if networks else None
        if self._graphs is not None:
            signals = _joined(signals, self._graphs.unseen)
        names = sorted(set().union(*signals))
        known = {name: _column(signals, name) for name in names}
        self.worth = {name: worth(list(column), measured) for name, column in known.items()}
        self.used = [name for name in names if self.worth[name].used]
        self._reference = {name: np.sort(known[name]) for name in self.used}
        self.learner = ""
        self._fitted: Learner | None = None
        self.own = Worth(math.nan, -1.0, 1.0, len(measured))
        if self.used:
            self._fit(self._features(signals), learners)

    def predict(self, signals: Sequence[Signals], networks: "Wired" = ()) -> Predicted:
        """Of candidates that may never have been measured; a missing signal counts as the lowest seen."""
        if self._graphs is not None and networks:
            signals = _joined(signals, self._graphs.predict(networks)[0])
        if self._fitted is None:
            mean, missed = self._measured.mean(), self._measured.std()
            return Predicted(np.full(len(signals), mean), np.full(len(signals), missed))
        return Predicted(*self._fitted.predict(self._features(signals)))

    def _fit(self, features: Array, learners: Sequence[str]) -> None:
        for name in learners:
            fitted = LEARNERS[name](features, self._measured)
            own = worth(list(fitted.unseen), list(self._measured))
            if self._fitted is None or not own.correlation <= self.own.correlation:  # it may be NaN
                self.learner, self._fitted, self.own = name, fitted, own

    def _features(self, signals: Sequence[Signals]) -> Array:
        """Each signal as the share of trials that lie below it, [candidates, signals used]."""
        columns = []
        for name in self.used:
            reference = self._reference[name]
            values = _column(signals, name, float(reference[0]))
            sides = [np.searchsorted(reference, values, side=side) for side in ("left", "right")]
            columns.append((sides[0] + sides[1]) / (2 * len(reference)))
        return np.stack(columns, axis=1)


def _graph_networks(networks: "Wired", measured: Array) -> "GraphNetworks":
    from neuromosaic.core.evaluation.graph_network import GraphNetworks  # brings PyTorch

    return GraphNetworks(networks, measured)


def _joined(signals: Sequence[Signals], told: Array) -> list[Signals]:
    return [{**one, GRAPH_NETWORK: float(value)} for one, value in zip(signals, told, strict=True)]


def mean_rank(signals: Sequence[Signals], names: Sequence[str]) -> Array:
    """Without any trial: the mean rank of the named signals, [candidates]; higher is better."""
    mean: Array = np.mean([_ranks(_column(signals, name)) for name in names], axis=0)
    return mean


def _column(signals: Sequence[Signals], name: str, missing: float | None = None) -> Array:
    values = np.array([one.get(name, math.nan) for one in signals], dtype=np.float64)
    values[~np.isfinite(values)] = math.nan
    if missing is None:
        missing = float(np.nanmin(values)) if not np.isnan(values).all() else 0.0
    return np.where(np.isnan(values), missing, values)


def _ranks(values: Array) -> Array:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    mean: Array = (last - (counts - 1) / 2)[place]
    return mean
