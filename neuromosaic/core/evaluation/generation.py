"""Generation, judged by the host: what comes back from a code, and how far draws are from held-out examples.

Outputs are [n, 2, ...]: first each example as it comes back from its code, then a draw; NaN where a model has no
codes. Targets are the examples themselves, [n, ...], both standardised as the network reads them.
"""

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from neuromosaic.core.brief import Contract
from neuromosaic.core.evaluation import weighted
from neuromosaic.core.evaluation.weighted import Weighted

Array = NDArray[Any]
Predict = Callable[[Array], Array]

MOST = 1000
"""Examples and draws whose distances are measured: all pairs of them."""
ROWS = 2000
"""Training examples that a kernel density keeps."""
BANDWIDTHS: Final = tuple(float(width) for width in np.geomspace(0.05, 2.0, 12))
"""Of a kernel, in standard deviations of the training data."""


def noise_for(contract: Contract, count: int) -> dict[str, Array]:
    """{"noise": standard normal float32 [count, latent]} for a generative network, the same each time; else {}.

    The host draws it: a network that chose its own could hand out examples that it keeps.
    """
    if contract.latent is None:
        return {}
    draw = np.random.default_rng([count, contract.latent])
    return {"noise": draw.standard_normal((count, contract.latent)).astype(np.float32)}


def reported_shape(contract: Contract) -> tuple[int, ...]:
    """Of what a training reports for each example: of a generative network two of the contract's outputs."""
    return (2, *contract.output.shape) if contract.latent is not None else contract.output.shape


# ---------------------------------------------------------------- metrics


def squared_errors(outputs: Array, targets: Array) -> Array:
    """Of what came back, the mean over an example's values, float64 [n]."""
    errors = outputs[:, 0].astype(np.float64) - targets
    return np.asarray((errors**2).reshape(len(targets), -1).mean(axis=1))


def _loss(outputs: Array, targets: Array) -> Weighted:
    return weighted.mean(squared_errors(outputs, targets))


def _rmse(outputs: Array, targets: Array) -> Weighted:
    return weighted.through(lambda squares: np.asarray(np.sqrt(squares)), _loss(outputs, targets))


def _energy(outputs: Array, targets: Array) -> Weighted:
    """2 E|x - y| - E|x - x'| - E|y - y'| of draws x and examples y, each pair's two different (Szekely & Rizzo, 2013,
    "Energy statistics", section 2): 0 where both are drawn alike."""
    draws, held = (_flat(values)[:MOST] for values in (outputs[:, 1], targets))
    between, among_draws, among_held = _distances(draws, held), _distances(draws, draws), _distances(held, held)

    def distance(weights: Array) -> Array:
        kept = weights[:, : len(held)]
        all_pairs = kept.sum(axis=1) ** 2
        pairs = all_pairs - (kept**2).sum(axis=1)
        across, within = _mean_over(kept, between, all_pairs), among_draws + among_held
        return np.asarray(2 * across - _mean_over(kept, within, pairs))

    return distance


def _mean_over(weights: Array, distances: Array, pairs: Array) -> Array:
    return np.asarray(((weights @ distances) * weights).sum(axis=1) / pairs)


def _flat(values: Array) -> Array:
    return values.reshape(len(values), -1).astype(np.float64)


def _distances(one: Array, other: Array) -> Array:
    from scipy.spatial.distance import cdist

    return np.asarray(cdist(one, other))


def _of_all(metric: Callable[[Array, Array], Weighted], part: int) -> Callable[[Array, Array], float]:
    """NaN where the part of the outputs that it looks at is not finite."""

    def value(outputs: Array, targets: Array) -> float:
        if not np.isfinite(outputs[:, part]).all() or len(targets) < 2:
            return math.nan
        return float(metric(outputs, targets)(np.ones((1, len(targets))))[0])

    return value


WEIGHTED: Final[dict[str, Callable[[Array, Array], Weighted]]] = {
    "loss": _loss, "reconstruction_rmse": _rmse, "energy_distance": _energy,
}  # fmt: skip
METRICS: Final = {name: _of_all(metric, int(name == "energy_distance")) for name, metric in WEIGHTED.items()}


# ---------------------------------------------------------------- baselines


def fit_baseline(contract: Contract, x: Array, seed: int) -> dict[str, Predict]:
    """Both by name, fitted on training examples."""
    return {"pca": pca(contract, x, seed), "kernel_density": kernel_density(contract, x, seed)}


def pca(contract: Contract, x: Array, seed: int) -> Predict:
    """Principal components, as many as a code has numbers; draws are normal along them (Tipping & Bishop, 1999)."""
    from sklearn.decomposition import PCA

    flat = _flat(x)
    model = PCA(min(contract.latent or 1, *flat.shape), random_state=seed).fit(flat)

    def predict(x: Array) -> Array:
        back = model.inverse_transform(model.transform(_flat(x)))
        codes = np.random.default_rng(seed).standard_normal((len(x), model.n_components_))
        draws = model.inverse_transform(codes * np.sqrt(model.explained_variance_))
        return _outputs(back, draws, x)

    return predict


def kernel_density(contract: Contract, x: Array, seed: int) -> Predict:
    """Training examples in normal noise (Parzen, 1962), as wide as makes every fifth of them likeliest; no codes."""
    draw = np.random.default_rng(seed)
    rows = _flat(x)[draw.permutation(len(x))[:ROWS]]
    width = _bandwidth(rows)

    def predict(x: Array) -> Array:
        draw = np.random.default_rng(seed)
        centres = rows[draw.integers(0, len(rows), len(x))]
        return _outputs(np.full(centres.shape, np.nan), centres + width * draw.standard_normal(centres.shape), x)

    return predict


def _bandwidth(rows: Array) -> float:
    from scipy.special import logsumexp

    held, centres = rows[::5], np.delete(rows, np.s_[::5], axis=0)
    if not len(centres):
        return 1.0
    squares, features = _distances(held, centres) ** 2, rows.shape[1]

    def likelihood(width: float) -> float:
        return float(logsumexp(-squares / (2 * width**2), axis=1).mean() - features * math.log(width))

    return max(BANDWIDTHS, key=likelihood)


def _outputs(back: Array, draws: Array, x: Array) -> Array:
    return np.stack([back.reshape(x.shape), draws.reshape(x.shape)], axis=1).astype(np.float32)
