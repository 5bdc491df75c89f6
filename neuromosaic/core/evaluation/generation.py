"""Generation, judged by the host: what comes back, how likely examples are, and how far draws are from them.

Outputs are [n, parts, ...] as `generating.answers` makes them: each example as it comes back (from its code, or from
noise), a draw, and of densities besides how unlikely the example is, in nats for each of its values. NaN stands for
what a model does not do. Targets are the examples themselves, [n, ...], both standardised as the network reads them.
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

MOST = 1000
"""Examples and draws whose distances are measured: all pairs of them."""
VALUES = 1 << 14
"""Of the examples whose likelihood is measured, together."""
BLUR = 0.05
"""The noise in which examples are judged by their likelihood, in standard deviations: a value that is always the
same, or one of a few, would be infinitely likely."""
BACK, DRAW, NATS = 0, 1, 2
"""The parts of an output."""


def noise_for(contract: Contract, count: int, draws: bool = True) -> dict[str, Array]:
    """{"noise": standard normal float32 [count, kinds of noise, numbers]} for a generative network, the same each
    time; else {}. First what a draw is made of, then what blurs an example. NaN where an autoregressive network is to
    draw nothing: beyond as many as the likelihood is measured of, or all without `draws`, for each is dear.

    The host draws it: a network that chose its own could hand out examples that it keeps.
    """
    if contract.generative is None:
        return {}
    size = contract.latent or math.prod(contract.input.shape)
    kinds = 1 if contract.generative == "autoencoder" else 2
    noise = np.random.default_rng([count, size]).standard_normal((kinds, count, size))
    if contract.generative == "autoregressive":
        noise[0, measured(count, size) if draws else 0 :] = np.nan
    return {"noise": np.ascontiguousarray(noise.swapaxes(0, 1), np.float32)}


def reported_shape(contract: Contract) -> tuple[int, ...]:
    """Of what a training reports for each example: of a generative network several of the contract's outputs."""
    if contract.generative is None:
        return contract.output.shape
    return (2 if contract.generative == "autoencoder" else 3, *contract.output.shape)


def is_density(contract: Contract) -> bool:
    """Whether a network of this contract gives examples a likelihood."""
    return contract.generative in ("flow", "diffusion", "autoregressive")


def measured(count: int, size: int) -> int:
    """How many examples of `size` values the likelihood is measured of: the first ones."""
    return min(count, max(32, VALUES // size))


def blurred(contract: Contract, x: Array) -> Array:
    """Examples [n, ...] in the noise in which a density's likelihood is judged, float64 [n, values]."""
    return flat(x) + BLUR * noise_for(contract, len(x))["noise"][:, 1].astype(np.float64)


# ---------------------------------------------------------------- metrics


def squared_errors(outputs: Array, targets: Array) -> Array:
    """Of what came back, the mean over an example's values, float64 [n]."""
    errors = outputs[:, BACK].astype(np.float64) - targets
    return np.asarray((errors**2).reshape(len(targets), -1).mean(axis=1))


def _loss(outputs: Array, targets: Array) -> Weighted:
    """Of a density its negative log-likelihood, else the mean squared error of what comes back."""
    if outputs.shape[1] > NATS:
        return _likelihood(outputs, targets)
    return weighted.mean(squared_errors(outputs, targets))


def _rmse(outputs: Array, targets: Array) -> Weighted:
    mean = weighted.mean(squared_errors(outputs, targets))
    return weighted.through(lambda squares: np.asarray(np.sqrt(squares)), mean)


def _likelihood(outputs: Array, targets: Array) -> Weighted:
    """Nats for each value, the mean over the examples that it was measured of."""
    nats = flat(outputs[:, NATS]).mean(axis=1)[: measured(len(targets), targets[0].size)]
    return lambda weights: weighted.mean(nats)(weights[:, : len(nats)])


def _energy(outputs: Array, targets: Array) -> Weighted:
    """2 E|x - y| - E|x - x'| - E|y - y'| of draws x and examples y, each pair's two different (Szekely & Rizzo, 2013,
    "Energy statistics", section 2): 0 where both are drawn alike."""
    draws = flat(drawn(outputs))
    held = flat(targets)[: len(draws)]
    between, among_draws, among_held = distances(draws, held), distances(draws, draws), distances(held, held)

    def distance(weights: Array) -> Array:
        kept = weights[:, : len(held)]
        all_pairs = kept.sum(axis=1) ** 2
        pairs = all_pairs - (kept**2).sum(axis=1)
        across, within = _mean_over(kept, between, all_pairs), among_draws + among_held
        return np.asarray(2 * across - _mean_over(kept, within, pairs))

    return distance


def drawn(outputs: Array) -> Array:
    """The draws among outputs [n, parts, ...]: rows of zeros at their end stand for those that were not made."""
    draws = outputs[:MOST, DRAW]
    made = np.flatnonzero(flat(draws).any(axis=1))
    return draws[: made[-1] + 1 if len(made) else 0]


def _mean_over(weights: Array, distances: Array, pairs: Array) -> Array:
    return np.asarray(((weights @ distances) * weights).sum(axis=1) / pairs)


def flat(values: Array) -> Array:
    return values.reshape(len(values), -1).astype(np.float64)


def distances(one: Array, other: Array) -> Array:
    from scipy.spatial.distance import cdist

    return np.asarray(cdist(one, other))


WEIGHTED: Final[dict[str, Callable[[Array, Array], Weighted]]] = {
    "loss": _loss, "reconstruction_rmse": _rmse, "energy_distance": _energy, "negative_log_likelihood": _likelihood,
}  # fmt: skip
_PARTS: Final = {"reconstruction_rmse": BACK, "energy_distance": DRAW, "negative_log_likelihood": NATS}


def _of_all(name: str) -> Callable[[Array, Array], float]:
    """NaN where the part of the outputs that it looks at is not finite, or not there."""

    def value(outputs: Array, targets: Array) -> float:
        part = _PARTS.get(name, NATS if outputs.shape[1] > NATS else BACK)
        looked_at = outputs[:, part : part + 1]
        if part == DRAW and len(drawn(outputs)) < 2:
            return math.nan
        if not looked_at.size or not np.isfinite(looked_at).all() or len(targets) < 2:
            return math.nan
        return float(WEIGHTED[name](outputs, targets)(np.ones((1, len(targets))))[0])

    return value


METRICS: Final = {name: _of_all(name) for name in WEIGHTED}
