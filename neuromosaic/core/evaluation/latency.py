"""How long a network takes on this device, told from its spec after a few were measured."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from neuromosaic.core.architecture.spec import ArchitectureSpec
from neuromosaic.core.errors import UsageError
from neuromosaic.core.evaluation.signals import Predicted

Array = NDArray[np.float64]
FEWEST = 5


class LatencyPredictor:
    """Milliseconds as a sum of what a network does: arithmetic, layers that are started, values that are moved.

    Each has a price that cannot be negative, found by least squares of the relative error (Lawson & Hanson's
    non-negative least squares); so ten samples are enough, and what is larger in every respect is never foretold to
    be faster. It holds for the device, the batch and the number of threads of the samples.
    """

    def __init__(self, specs: Sequence[ArchitectureSpec], milliseconds: Sequence[float]) -> None:
        """One measured latency above 0 per spec, at least five. Raises UsageError for fewer or other ones."""
        from scipy.optimize import nnls

        measured = np.asarray(milliseconds, dtype=np.float64)
        if len(specs) != len(measured) or len(specs) < FEWEST or not (np.isfinite(measured) & (measured > 0)).all():
            raise UsageError(
                f"a latency predictor takes {FEWEST} networks or more with a latency above 0 each:"
                f" {len(specs)} networks and {len(measured)} latencies were given"
            )
        work = _work(specs)
        self._scale = work.max(axis=0).clip(min=1.0)
        relative = work / self._scale / measured[:, None]

        def prices(rows: Array) -> Array:
            return np.asarray(nnls(rows, np.ones(len(rows)))[0])

        self._prices = prices(relative)
        missed = [relative[i] @ prices(np.delete(relative, i, axis=0)) - 1 for i in range(len(relative))]
        self._deviation = float(np.sqrt(np.mean(np.square(missed))))

    def predict(self, specs: Sequence[ArchitectureSpec]) -> Predicted:
        """Milliseconds [specs], and its standard deviation, by how far each sample is
        missed by a fit to the others."""
        mean: Array = _work(specs) / self._scale @ self._prices
        return Predicted(mean, self._deviation * mean)


def _work(specs: Sequence[ArchitectureSpec]) -> Array:
    """A pass itself, FLOPs, layers, values that layers return, weights that are read: [specs, 5]."""
    return np.array([_of_one(spec) for spec in specs], dtype=np.float64)


def _of_one(spec: ArchitectureSpec) -> tuple[float, ...]:
    cost = spec.infer()
    moved = sum(float(np.prod(one.output.shape)) for one in cost.layers.values())
    return 1.0, float(cost.flops), float(len(spec.layers)), moved, float(cost.parameters)
