"""A Gaussian process whose hyperparameters are the most probable ones."""

from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize

from neuromosaic.core.search.coordinates import Array
from neuromosaic.core.search.kernel import Coded, Kernel

USUAL_NOISE = 0.01  # prior: variance of the noise, where that of the targets is 1
JITTER = 1e-6
ITERATIONS = 20  # of the search for the most probable hyperparameters
REACH = 5.0  # deviations of the prior that the search may go


class Posterior(NamedTuple):
    mean: Array
    deviation: Array


class GaussianProcess:
    """Posterior of targets [n] of mean 0 and variance 1 at `points`.

    `at`: hyperparameters of the kernel and the logarithm of the noise [h + 1], searched for where they are not
    given. Raises numpy.linalg.LinAlgError where the covariance is singular or anything is not finite.
    """

    def __init__(self, kernel: Kernel, points: Coded, targets: Array, at: Array | None = None) -> None:
        self._kernel, self._points, self._targets = kernel, points, targets
        self._usual = np.append(kernel.usual, np.log(USUAL_NOISE))
        self._deviation = np.append(kernel.deviation, 1.0)
        self.at: Array = self._most_probable() if at is None else at
        self._factor = self._factored(self.at)
        self._solved = cho_solve((self._factor, True), targets)

    def predict(self, points: Coded) -> Posterior:
        """Mean and standard deviation, each [m], at `points` [m], without the noise."""
        across = self._kernel.matrix(points, self._points, self.at[:-1])
        reduced = solve_triangular(self._factor, across.T, lower=True, check_finite=False)
        return Posterior(across @ self._solved, np.sqrt(np.maximum(1 - (reduced**2).sum(axis=0), 1e-12)))

    @property
    def noise(self) -> float:
        """Standard deviation of a target at one point."""
        return float(np.exp(self.at[-1] / 2))

    def left_out(self) -> Array:
        """[n]: what is expected of each target by all the others (Rasmussen and Williams, equation 5.12)."""
        precision = np.diag(cho_solve((self._factor, True), np.eye(len(self._factor))))
        return np.asarray(self._targets - self._solved / precision)

    def believing(self, points: Coded) -> "GaussianProcess":
        """The process after `points` came out as it expects; the hyperparameters stay."""
        targets = np.append(self._targets, self.predict(points).mean)
        both = Coded(*(np.vstack(parts) for parts in zip(self._points, points, strict=True)))
        return GaussianProcess(self._kernel, both, targets, self.at)

    def _most_probable(self) -> Array:
        reach = REACH * self._deviation
        bounds = list(zip(self._usual - reach, self._usual + reach, strict=True))
        start = np.append(self._kernel.start, self._usual[-1])
        found = minimize(
            self._loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": ITERATIONS}
        )
        return np.asarray(found.x)

    def _factored(self, at: Array) -> Array:
        covariance = self._kernel.matrix(self._points, self._points, at[:-1])
        noisy = covariance + (np.exp(at[-1]) + JITTER) * np.eye(len(covariance))
        if not (np.isfinite(noisy).all() and np.isfinite(self._targets).all()):
            raise np.linalg.LinAlgError("the covariance or a target is not finite")
        return np.asarray(cholesky(noisy, lower=True))

    def _loss(self, at: Array) -> tuple[float, Array]:
        """Negative log posterior of the hyperparameters (Rasmussen and Williams, 5.8 and 5.9), and its slope."""
        factor = self._factored(at)
        solved = cho_solve((factor, True), self._targets)
        off = (at - self._usual) / self._deviation
        loss = 0.5 * self._targets @ solved + np.log(np.diag(factor)).sum() + 0.5 * off @ off
        pull = 0.5 * (cho_solve((factor, True), np.eye(len(factor))) - np.outer(solved, solved))
        slope = np.append(self._kernel.slope(self._points, at[:-1], pull), np.exp(at[-1]) * np.trace(pull))
        return float(loss), slope + off / self._deviation
