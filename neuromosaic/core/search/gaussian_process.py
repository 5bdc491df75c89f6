"""A Gaussian process over points with choices, numbers and parameters that are not always there.

The covariance of two points is exp(-sum of weight * distance), one learnt weight per parameter: for choices the
exponential Hamming kernel (Hutter et al., 2014, "Algorithm runtime prediction", section 5.2), for numbers the
Ornstein-Uhlenbeck kernel (Rasmussen and Williams, 2006, section 4.2.1).
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize

from neuromosaic.core.search.coordinates import Array, Mask

USUAL_EXPONENT = 3.0  # prior: points that differ in everything correlate by about exp(-3)
USUAL_NOISE = 0.01  # prior: variance of the noise, where that of the targets is 1


def distances(ones: Array, others: Array, is_choice: Mask) -> Array:
    """[n, m, d] in [0, 1]: per parameter, from `ones` [n, d] to `others` [m, d]; NaN where one is not active.

    Unlike choices, and an active parameter beside an inactive one, are 1 apart; two inactive ones 0.
    """
    gap = np.abs(ones[:, None, :] - others[None, :, :])
    gap = np.where(is_choice, gap > 0, gap)
    absent = np.isnan(ones)[:, None, :], np.isnan(others)[None, :, :]
    return np.where(absent[0] | absent[1], absent[0] != absent[1], gap).astype(np.float64)


class Posterior(NamedTuple):
    mean: Array
    deviation: Array


class GaussianProcess:
    """Posterior of targets of mean 0 and variance 1, its weights at their most probable values.

    `is_choice` [d]: which coordinates are choices; the others are numbers in [0, 1]. `fixed`: logarithms of weights
    and noise [d + 1] to take instead. Raises numpy.linalg.LinAlgError where the covariance is
    singular or anything is not finite.
    """

    def __init__(self, points: Array, targets: Array, is_choice: Mask, fixed: Array | None = None) -> None:
        self._points, self._targets, self._is_choice = points, targets, is_choice
        self._gaps = distances(points, points, is_choice)
        self._usual = np.log([USUAL_EXPONENT / points.shape[1]] * points.shape[1] + [USUAL_NOISE])
        self.logarithms: Array = self._most_probable() if fixed is None else fixed
        self._factor, _ = self._factored(self.logarithms)
        self._solved = cho_solve((self._factor, True), targets)

    def predict(self, points: Array) -> Posterior:
        """Mean and standard deviation, each [m], at `points` [m, d], without the noise."""
        across = np.exp(-distances(points, self._points, self._is_choice) @ np.exp(self.logarithms[:-1]))
        reduced = solve_triangular(self._factor, across.T, lower=True)
        return Posterior(across @ self._solved, np.sqrt(np.maximum(1 - (reduced**2).sum(axis=0), 1e-12)))

    def believing(self, points: Array) -> "GaussianProcess":
        """The process after `points` [m, d] came out as it expects; weights and noise stay."""
        targets = np.append(self._targets, self.predict(points).mean)
        return GaussianProcess(np.vstack([self._points, points]), targets, self._is_choice, self.logarithms)

    def _most_probable(self) -> Array:
        found = minimize(
            self._loss, self._usual, jac=True, method="L-BFGS-B", options={"maxiter": 15}, bounds=self._bounds()
        )
        return np.asarray(found.x)

    def _bounds(self) -> list[tuple[float, float]]:
        return [(middle - 5, middle + 5) for middle in self._usual]

    def _factored(self, logarithms: Array) -> tuple[Array, Array]:
        covariance = np.exp(-self._gaps @ np.exp(logarithms[:-1]))
        noisy = covariance + (np.exp(logarithms[-1]) + 1e-8) * np.eye(len(covariance))
        if not (np.isfinite(noisy).all() and np.isfinite(self._targets).all()):
            raise np.linalg.LinAlgError("the covariance or a target is not finite")
        return cholesky(noisy, lower=True), covariance

    def _loss(self, logarithms: Array) -> tuple[float, Array]:
        """Negative log posterior of weights and noise (Rasmussen and Williams, eq. 5.8 and 5.9), and its slope."""
        factor, covariance = self._factored(logarithms)
        solved = cho_solve((factor, True), self._targets)
        off = logarithms - self._usual
        loss = 0.5 * self._targets @ solved + np.log(np.diag(factor)).sum() + 0.5 * off @ off
        pull = cho_solve((factor, True), np.eye(len(factor))) - np.outer(solved, solved)
        weights = -0.5 * np.exp(logarithms[:-1]) * np.einsum("ij,ijk->k", pull * covariance, self._gaps)
        noise = 0.5 * np.exp(logarithms[-1]) * np.trace(pull)
        return float(loss), np.append(weights, noise) + off
