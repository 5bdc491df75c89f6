"""What a generative network must beat: densities of training examples, fitted on the host in seconds.

Their outputs have the form of a network's (see `generation`).
"""

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from neuromosaic.core.brief import Contract
from neuromosaic.core.evaluation.generation import BLUR, blurred, distances, flat, is_density, reported_shape

Array = NDArray[Any]
Predict = Callable[[Array], Array]

ROWS = 2000
"""Training examples that a kernel density keeps."""
BANDWIDTHS: Final = tuple(float(width) for width in np.geomspace(0.05, 2.0, 12))
"""Of a kernel, in standard deviations of the training data."""


def fit_baseline(contract: Contract, x: Array, seed: int) -> dict[str, Predict]:
    """By name, fitted on training examples: principal components where codes have a size of their own, else one
    normal distribution; and a kernel density."""
    simple = {"pca": pca} if not is_density(contract) else {"gaussian": gaussian}
    return {name: fit(contract, x, seed) for name, fit in {**simple, "kernel_density": kernel_density}.items()}


def pca(contract: Contract, x: Array, seed: int) -> Predict:
    """Principal components, as many as a code has numbers; draws are normal along them (Tipping & Bishop, 1999)."""
    from sklearn.decomposition import PCA

    rows = flat(x)
    model = PCA(min(contract.latent or 1, *rows.shape), random_state=seed).fit(rows)

    def predict(x: Array) -> Array:
        back = model.inverse_transform(model.transform(flat(x)))
        codes = np.random.default_rng(seed).standard_normal((len(x), model.n_components_))
        draws = model.inverse_transform(codes * np.sqrt(model.explained_variance_))
        return _outputs(contract, back, draws, x)

    return predict


def gaussian(contract: Contract, x: Array, seed: int) -> Predict:
    """A normal distribution with the examples' mean and covariance, and the noise in which they are judged."""
    rows = flat(x)
    mean, covariance = rows.mean(axis=0), np.atleast_2d(np.cov(rows.T))
    factor = np.linalg.cholesky(covariance + BLUR**2 * np.eye(rows.shape[1]))
    constant = np.log(np.diag(factor)).sum() + 0.5 * rows.shape[1] * math.log(2 * math.pi)

    def predict(x: Array) -> Array:
        draws = mean + np.random.default_rng(seed).standard_normal(flat(x).shape) @ factor.T
        whitened = np.linalg.solve(factor, (blurred(contract, x) - mean).T)
        return _outputs(contract, np.full_like(draws, np.nan), draws, x, 0.5 * (whitened**2).sum(axis=0) + constant)

    return predict


def kernel_density(contract: Contract, x: Array, seed: int) -> Predict:
    """Training examples in normal noise (Parzen, 1962), as wide as makes every fifth of them likeliest; no codes."""
    draw = np.random.default_rng(seed)
    rows = flat(x)[draw.permutation(len(x))[:ROWS]]
    width = _bandwidth(rows)

    def predict(x: Array) -> Array:
        draw = np.random.default_rng(seed)
        centres = rows[draw.integers(0, len(rows), len(x))]
        nats = _surprise(blurred(contract, x), rows, width) if is_density(contract) else None
        draws = centres + width * draw.standard_normal(centres.shape)
        return _outputs(contract, np.full(centres.shape, np.nan), draws, x, nats)

    return predict


def _bandwidth(rows: Array) -> float:
    held, centres = rows[::5], np.delete(rows, np.s_[::5], axis=0)
    if not len(centres):
        return 1.0
    return max(BANDWIDTHS, key=lambda width: -float(_surprise(held, centres, width, blur=0.0).mean()))


def _surprise(x: Array, centres: Array, width: float, blur: float = BLUR) -> Array:
    """Nats of each example [n], where the kernel is widened by the noise of the examples."""
    from scipy.special import logsumexp

    variance, features = width**2 + blur**2, centres.shape[1]
    likelihoods = logsumexp(-(distances(x, centres) ** 2) / (2 * variance), axis=1) - math.log(len(centres))
    return np.asarray(0.5 * features * math.log(2 * math.pi * variance) - likelihoods)


def _outputs(contract: Contract, back: Array, draws: Array, x: Array, nats: Array | None = None) -> Array:
    made = [draws] if reported_shape(contract)[0] == 1 else [back, draws]
    parts = made + ([] if nats is None else [np.broadcast_to(nats[:, None] / draws.shape[1], draws.shape)])
    return np.stack(parts, axis=1).reshape(len(x), *reported_shape(contract)).astype(np.float32)
