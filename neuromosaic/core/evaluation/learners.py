"""What learns a measured value from features, and says how sure it is: trees, and a Gaussian process."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
TREES = 200


class Learner(Protocol):
    """`unseen` [n]: what it says of each trial it was fitted to when that trial is left out."""

    unseen: Array

    def predict(self, features: Array) -> tuple[Array, Array]:
        """Mean and standard deviation, each [m], of features [m, d] in [0, 1]."""
        ...


class Trees:
    """Extremely randomised trees (Geurts et al., 2006); as sure as they agree, and as they were right out of bag."""

    def __init__(self, features: Array, measured: Array) -> None:
        from sklearn.ensemble import ExtraTreesRegressor

        self._trees = ExtraTreesRegressor(
            TREES, min_samples_leaf=2, bootstrap=True, oob_score=True, random_state=0
        ).fit(features, measured)
        unseen: Any = self._trees.oob_prediction_
        self.unseen: Array = unseen
        self._missed = float(np.sqrt(np.mean((unseen - measured) ** 2)))

    def predict(self, features: Array) -> tuple[Array, Array]:
        each = np.stack([tree.predict(features) for tree in self._trees.estimators_])
        return each.mean(axis=0), np.hypot(each.std(axis=0), self._missed)


class Gaussian:
    """A Gaussian process with a relevance for each feature (Rasmussen & Williams, 2006, section 5.1).

    What is left out is told in closed form (equations 5.10 to 5.12); the deviation holds the noise as well.
    """

    def __init__(self, features: Array, measured: Array) -> None:
        from neuromosaic.core.search.gaussian_process import GaussianProcess
        from neuromosaic.core.search.kernel import Kernel
        from neuromosaic.core.space.parameters import FloatParameter

        names = [f"feature{number}" for number in range(features.shape[1])]
        self._kernel = Kernel({name: FloatParameter(min=0.0, max=1.0) for name in names})
        self._names = names
        self._mean, self._scale = float(measured.mean()), float(measured.std()) or 1.0
        self._process = GaussianProcess(self._kernel, self._coded(features), (measured - self._mean) / self._scale)
        self.unseen: Array = self._mean + self._scale * self._process.left_out()

    def predict(self, features: Array) -> tuple[Array, Array]:
        mean, deviation = self._process.predict(self._coded(features))
        return self._mean + self._scale * mean, self._scale * np.hypot(deviation, self._process.noise)

    def _coded(self, features: Array) -> Any:
        return self._kernel.code([dict(zip(self._names, map(float, row), strict=True)) for row in features])


LEARNERS: dict[str, Callable[[Array, Array], Learner]] = {"trees": Trees, "gaussian process": Gaussian}
