"""How long a network takes on this device, told from what it does after a few were measured."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuromosaic.core.architecture.spec import ArchitectureSpec
from neuromosaic.core.errors import UsageError
from neuromosaic.core.evaluation.signals import Predicted
from neuromosaic.core.evaluation.wiring import Operation

Array = NDArray[np.float64]
FEWEST = 5


class Work(NamedTuple):
    """What one pass of one example does: arithmetic, layers that are started, values that these return, weights that
    are read."""

    flops: float
    layers: float
    values: float
    weights: float


def work_of(spec: ArchitectureSpec) -> Work:
    cost = spec.infer()
    moved = sum(float(np.prod(one.output.shape)) for one in cost.layers.values())
    return Work(float(cost.flops), float(len(spec.layers)), moved, float(cost.parameters))


def work_in(operations: Sequence[Operation], flops: float, parameters: float) -> Work:
    """Of a network that is known by its graph's wiring."""
    own = [one for one in operations if one.kind != "input"]
    return Work(flops, float(len(own)), sum(2 ** one.figures[-1] - 1 for one in own), parameters)


class LatencyPredictor:
    """Milliseconds as a sum of what a network does: arithmetic, layers that are started, values that are moved.

    Each has a price that cannot be negative, found by least squares of the relative error (Lawson & Hanson's
    non-negative least squares); so ten samples are enough, and what is larger in every respect is never foretold to
    be faster. It holds for the device, the batch and the number of threads of the samples. `unseen` [samples]: what
    it says of each by the others.
    """

    def __init__(self, specs: Sequence[ArchitectureSpec | Work], milliseconds: Sequence[float]) -> None:
        """One measured latency above 0 per network, at least five. Raises UsageError for fewer or other ones."""
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
        told = np.array([relative[i] @ prices(np.delete(relative, i, axis=0)) for i in range(len(relative))])
        self.unseen: Array = told * measured
        self._deviation = float(np.sqrt(np.mean(np.square(told - 1))))

    def predict(self, specs: Sequence[ArchitectureSpec | Work]) -> Predicted:
        """Milliseconds [specs], and its standard deviation, by how far each sample is
        missed by a fit to the others."""
        mean: Array = _work(specs) / self._scale @ self._prices
        return Predicted(mean, self._deviation * mean)


def _work(networks: Sequence[ArchitectureSpec | Work]) -> Array:
    """A pass itself, FLOPs, layers, values that layers return, weights that are read: [networks, 5]."""
    return np.array([(1.0, *(one if isinstance(one, Work) else work_of(one))) for one in networks], dtype=np.float64)
