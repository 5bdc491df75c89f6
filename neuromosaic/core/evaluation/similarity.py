"""Metric learning, judged by the host: whether the nearest of the other held-out examples is of the same class.

Outputs are embeddings [n, dimensions], compared by the angle between them; targets are class ids int64 [n].
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from neuromosaic.core.brief import Contract
from neuromosaic.core.evaluation import weighted
from neuromosaic.core.evaluation.weighted import Weighted

Array = NDArray[Any]
Predict = Callable[[Array], Array]

NEIGHBOURS = 5
"""That vote in `knn_accuracy`."""
TEMPERATURE = 0.1
"""As in training."""
BLOCK = 1 << 24
"""Similarities held at a time."""


def nearest(outputs: Array, count: int) -> Array:
    """The places of each example's `count` nearest others, the nearest first, [n, count]."""
    found = [np.argsort(-alike, axis=1, kind="stable")[:, :count] for _, alike in _similarities(outputs)]
    return np.concatenate(found)


def _similarities(outputs: Array) -> Iterator[tuple[Array, Array]]:
    """Places of some examples at a time, and how alike each is to every one, [some, n]: nobody to himself."""
    unit = _unit(outputs)
    for places in np.split(np.arange(len(unit)), range(step := max(1, BLOCK // len(unit)), len(unit), step)):
        alike = unit[places] @ unit.T
        alike[np.arange(len(places)), places] = -np.inf
        yield places, alike


def _unit(outputs: Array) -> Array:
    flat = outputs.reshape(len(outputs), -1).astype(np.float64)
    return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-12))


def _recalled(outputs: Array, targets: Array) -> Array:
    return np.asarray(targets[nearest(outputs, 1)[:, 0]] == targets, dtype=np.float64)


def _voted(outputs: Array, targets: Array) -> Array:
    """Whether most of the nearest are of the example's class; of equal votes the nearer one's counts."""
    votes = targets[nearest(outputs, min(NEIGHBOURS, len(targets) - 1))]
    same = (votes[:, :, None] == votes[:, None, :]).sum(axis=2)
    chosen = votes[np.arange(len(votes)), same.argmax(axis=1)]
    return np.asarray(chosen == targets, dtype=np.float64)


def _losses(outputs: Array, targets: Array) -> Array:
    """Khosla et al. (2020), equation 2, over all held-out examples; 0 for one that is alone in its class."""
    return np.concatenate([_losses_of(places, alike, targets) for places, alike in _similarities(outputs)])


def _losses_of(places: Array, alike: Array, targets: Array) -> Array:
    shares = alike / TEMPERATURE
    shares -= np.logaddexp.reduce(shares, axis=1, keepdims=True)
    same = targets[places, None] == targets
    same[np.arange(len(places)), places] = False
    return np.asarray(-np.where(same, shares, 0.0).sum(axis=1) / np.maximum(same.sum(axis=1), 1))


def _of(values: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Weighted]:
    return lambda outputs, targets: weighted.mean(values(outputs, targets))


def _mean(values: Callable[[Array, Array], Array]) -> Callable[[Array, Array], float]:
    return lambda outputs, targets: float(values(outputs, targets).mean()) if len(targets) > 1 else float("nan")


_VALUES: Final = {"loss": _losses, "recall_at_1": _recalled, "knn_accuracy": _voted}
METRICS: Final = {name: _mean(values) for name, values in _VALUES.items()}
WEIGHTED: Final[dict[str, Callable[[Array, Array], Weighted]]] = {
    name: _of(values) for name, values in _VALUES.items()
}  # fmt: skip


def fit_baseline(contract: Contract, x: Array, seed: int) -> dict[str, Predict]:
    """The inputs themselves, and as many of their principal components as an embedding has numbers."""
    from sklearn.decomposition import PCA

    flat = _flat(x)
    components = PCA(min(contract.output.shape[0], *flat.shape), random_state=seed).fit(flat)
    return {"inputs": _flat, "pca": lambda x: np.asarray(components.transform(_flat(x)), np.float32)}


def _flat(x: Array) -> Array:
    return np.asarray(x.reshape(len(x), -1), np.float32)
