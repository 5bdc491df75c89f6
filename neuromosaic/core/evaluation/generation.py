"""Generation, judged by the host: what comes back, how likely examples are, and how far draws are from them.

Outputs are [n, parts, ...] as `generating.answers` makes them: each example as it comes back (from its code, or from
noise), a draw, and of densities besides how unlikely the example is, in nats for each of its values; of a pair that
is trained in turn a draw alone. NaN stands for what a model does not do. Targets are the examples themselves,
[n, ...], both standardised as the network reads them.
"""

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from neuromosaic.core.brief import Contract, Generative
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
"""The parts of an output; a single one is a draw."""
FEWEST = 2
"""Draws whose distances from one another are measured."""
NEAREST = 5
"""The neighbour of a held-out example that is as far as a draw may be, to be one of its kind."""
_PARTS: Final[dict[Generative, int]] = {"autoencoder": 2, "flow": 3, "diffusion": 3, "gan": 1, "autoregressive": 3}
_KINDS_OF_NOISE: Final[dict[Generative, int]] = {
    "autoencoder": 1,
    "flow": 2,
    "diffusion": 2,
    "gan": 1,
    "autoregressive": 2,
}


def noise_for(contract: Contract, count: int, draws: bool = True) -> dict[str, Array]:
    """{"noise": standard normal float32 [count, kinds of noise, numbers]} for a generative network, the same each
    time; else {}. First what a draw is made of, then what blurs an example. NaN where an autoregressive network is to
    draw nothing: beyond as many as the likelihood is measured of, or all without `draws`, for each is dear.

    The host draws it: a network that chose its own could hand out examples that it keeps.
    """
    if contract.generative is None:
        return {}
    size = contract.latent or math.prod(contract.input.shape)
    kinds = _KINDS_OF_NOISE[contract.generative]
    noise = np.random.default_rng([count, size]).standard_normal((kinds, count, size))
    if contract.generative == "autoregressive":
        noise[0, measured(count, size) if draws else 0 :] = np.nan
    return {"noise": np.ascontiguousarray(noise.swapaxes(0, 1), np.float32)}


def reported_shape(contract: Contract) -> tuple[int, ...]:
    """Of what a training reports for each example: of a generative network several of the contract's outputs."""
    if contract.generative is None:
        return contract.output.shape
    return (_PARTS[contract.generative], *contract.output.shape)


def is_density(contract: Contract) -> bool:
    """Whether a network of this contract gives examples a likelihood."""
    return contract.generative in ("flow", "diffusion", "autoregressive")


def measured(count: int, size: int) -> int:
    """How many examples of `size` values the likelihood is measured of: the first ones."""
    return min(count, max(32, VALUES // size))


def blurred(contract: Contract, x: Array) -> Array:
    """Examples [n, ...] in the noise in which a density's likelihood is judged, float64 [n, values]."""
    return flat(x) + BLUR * noise_for(contract, len(x))["noise"][:, 1].astype(np.float64)


def came_back(outputs: Array) -> Array | None:
    """Examples as they came back; None where nothing does."""
    return outputs[:, BACK] if outputs.shape[1] > DRAW else None


def draws_of(outputs: Array) -> Array:
    """The draws; of densities rows of zeros at their end stand for those that were not made."""
    draws = np.asarray(outputs[:, min(DRAW, outputs.shape[1] - 1)])
    if outputs.shape[1] <= NATS:
        return draws
    made = np.flatnonzero(flat(draws).any(axis=1))
    return draws[: made[-1] + 1 if len(made) else 0]


# ---------------------------------------------------------------- metrics


def squared_errors(outputs: Array, targets: Array) -> Array:
    """Of what came back, the mean over an example's values, float64 [n]."""
    errors = outputs[:, BACK].astype(np.float64) - targets
    return np.asarray((errors**2).reshape(len(targets), -1).mean(axis=1))


def _loss(outputs: Array, targets: Array) -> Weighted:
    """Of a density its negative log-likelihood, else the mean squared error of what comes back, or, where nothing
    does, the energy distance."""
    if outputs.shape[1] > NATS:
        return _likelihood(outputs, targets)
    if came_back(outputs) is None:
        return _energy(outputs, targets)
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
    draws = flat(draws_of(outputs)[:MOST])
    held = flat(targets)[: len(draws)]
    between, among_draws, among_held = distances(draws, held), distances(draws, draws), distances(held, held)

    def distance(weights: Array) -> Array:
        kept = weights[:, : len(held)]
        all_pairs = kept.sum(axis=1) ** 2
        pairs = all_pairs - (kept**2).sum(axis=1)
        across, within = _mean_over(kept, between, all_pairs), among_draws + among_held
        return np.asarray(2 * across - _mean_over(kept, within, pairs))

    return distance


def _coverage(outputs: Array, targets: Array) -> Weighted:
    """The share of examples with a draw at least as near as their fifth neighbour among them (Naeem et al., 2020,
    arXiv:2002.09797, equation 5): some 0.97 where both are drawn alike, less where kinds of examples are left out."""
    draws, held = (flat(values)[:MOST] for values in (draws_of(outputs), targets))
    among = np.sort(distances(held, held), axis=1)  # the first is each example itself
    met = distances(held, draws).min(axis=1) <= among[:, min(NEAREST, len(held) - 1)]
    return lambda weights: weighted.mean(met.astype(np.float64))(weights[:, : len(met)])


def _mean_over(weights: Array, distances: Array, pairs: Array) -> Array:
    return np.asarray(((weights @ distances) * weights).sum(axis=1) / pairs)


def flat(values: Array) -> Array:
    return values.reshape(len(values), -1).astype(np.float64)


def distances(one: Array, other: Array) -> Array:
    from scipy.spatial.distance import cdist

    return np.asarray(cdist(one, other))


WEIGHTED: Final[dict[str, Callable[[Array, Array], Weighted]]] = {
    "loss": _loss, "reconstruction_rmse": _rmse, "energy_distance": _energy, "negative_log_likelihood": _likelihood,
    "coverage": _coverage,
}  # fmt: skip
_LOOKED_AT: Final = {
    "reconstruction_rmse": BACK, "energy_distance": DRAW, "negative_log_likelihood": NATS, "coverage": DRAW,
}  # fmt: skip


def _looked_at(name: str, outputs: Array) -> Array:
    """The part of the outputs that a metric is of; nothing where it is not there."""
    first = BACK if outputs.shape[1] > DRAW else DRAW
    part = _LOOKED_AT.get(name, NATS if outputs.shape[1] > NATS else first) - first
    return outputs[:, part : part + 1] if part >= 0 else outputs[:, :0]


def _of_all(name: str) -> Callable[[Array, Array], float]:
    """NaN where the part of the outputs that it looks at is not finite, or not there."""

    def value(outputs: Array, targets: Array) -> float:
        looked_at = _looked_at(name, outputs)
        if name == "energy_distance" and len(draws_of(outputs)) < FEWEST:
            return math.nan
        if not looked_at.size or not np.isfinite(looked_at).all() or len(targets) < 2:
            return math.nan
        return float(WEIGHTED[name](outputs, targets)(np.ones((1, len(targets))))[0])

    return value


METRICS: Final = {name: _of_all(name) for name in WEIGHTED}
