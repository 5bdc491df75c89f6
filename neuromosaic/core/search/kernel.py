"""How alike two points of a space are: a covariance with learnt weights, over choices, numbers and what is absent.

k = exp(-sum over choices of weight * distance) * Matern 5/2 (sum over numbers of weight * gap squared), so that
each parameter has its own relevance (Rasmussen and Williams, 2006, section 5.1). Unlike choices are 1 apart (Hutter
et al., 2014, section 5.2), or, where `similar`, by what is learnt of them: c + |u_a - u_b|^2, each value `a` having a
place u_a in a plane (latent variables: Zhang et al., 2020, arXiv:1806.07504). Parameters with the same values share
the places: what one edge of a cell teaches of two operations is known of them at every other edge. A choice that is
absent counts as one value more; a number that is, as one amid its range, 1 away in a direction of its own: all gaps
are squares of distances in a Euclidean space, without which `k` is no covariance (Schoenberg, 1938).
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from neuromosaic.core.search.coordinates import Array, Coordinates, is_choice
from neuromosaic.core.search.measured import Measured
from neuromosaic.core.space.parameters import Parameter, Scalar, choices

PLANE = 2  # dimensions of the values' places
FEWEST, MOST = 3, 24  # values that a choice must have for its own places to be learnt: of two nothing can be
EXPONENT = 3.0  # prior: points that differ in every choice correlate by about exp(-3)
APART = 0.3  # prior: the part of a distance that is the same for all values
SPREAD = 0.5  # prior: deviation of the places
SQRT5 = math.sqrt(5)


class Coded(NamedTuple):
    """Points as the kernel takes them: choices one-hot [n, w], absent ones among them; numbers, a half where absent,
    and where they are present, both [n, m]."""

    choices: Array
    numbers: Array
    present: Array


class Group(NamedTuple):
    """Choices, by their place among all choices, that share their `values`, so many; how many of these, being absent
    included where one of the choices can be, are `placed`; where their hyperparameters begin, None where no places
    are learnt."""

    members: list[int]
    values: int
    placed: int
    start: int | None


class Kernel:
    """Over points with these parameters, of which a point has `shares` each, from 0 to 1 (all, if not given): where
    few are active at a time, each of them counts for more. `measured`: figures of points that count as numbers do.
    `usual`, `deviation` [h]: the prior of the hyperparameters, all normal: logarithms of weights, then per group the
    logarithm of c and the places; `start` [h]: where a search begins.
    """

    def __init__(
        self,
        parameters: Mapping[str, Parameter],
        similar: bool = True,
        shares: Mapping[str, float] | None = None,
        measured: Measured | None = None,
    ) -> None:
        self._measured = measured
        figures = measured.count if measured else 0
        self._coordinates = Coordinates(parameters)
        self._is_choice = self._coordinates.is_choice
        listed = [one for one in parameters.values() if is_choice(one)]
        self._choices, self._numbers = len(listed), int((~self._is_choice).sum()) + figures
        self._widths = [len(choices(one)) + 1 for one in listed]
        self._offsets = np.cumsum([0, *self._widths])
        active = np.array([1.0 if shares is None else shares[name] for name in parameters])
        weights = [EXPONENT / max(active.sum(), 1.0)] * self._choices
        numbers = active[~self._is_choice].sum() + figures
        weights += [4 / max(numbers, 1.0)] * self._numbers  # a length of half the diagonal
        usual = np.log(np.array(weights, dtype=np.float64))
        self.groups = _grouped(listed, len(usual), similar)
        learnt = [group for group in self.groups if group.start is not None]
        places = [np.append(math.log(APART), np.zeros(group.placed * PLANE)) for group in learnt]
        spread = [np.append(1.0, np.full(group.placed * PLANE, SPREAD)) for group in learnt]
        self.usual: Array = np.concatenate([usual, *places])
        self.deviation: Array = np.concatenate([np.ones(len(usual)), *spread])
        jolt = np.random.default_rng(0).normal(0, 0.1, len(self.usual)) * (self.deviation == SPREAD)
        self.start: Array = self.usual + jolt  # equal places would stay equal

    def code(self, points: list[dict[str, Scalar]]) -> Coded:
        """Points as the kernel takes them."""
        rows = self._coordinates.of(points)
        chosen, numbers = rows[:, self._is_choice], rows[:, ~self._is_choice]
        if self._measured:
            numbers = np.hstack([numbers, self._measured.of(points)])
        onehot = np.zeros((len(points), int(self._offsets[-1])))
        last = np.array(self._widths, dtype=np.int64) - 1
        places = np.where(np.isnan(chosen), last, chosen).astype(np.int64) + self._offsets[:-1]
        onehot[np.arange(len(points))[:, None], places] = 1.0
        return Coded(onehot, np.nan_to_num(numbers, nan=0.5), (~np.isnan(numbers)).astype(np.float64))

    def matrix(self, ones: Coded, others: Coded, at: Array) -> Array:
        """[n, m]: the covariance of `ones` [n] and `others` [m] by the hyperparameters `at` [h]."""
        return np.asarray(self._of_choices(ones, others, at) * _matern(self._squared(ones, others, at))[0])

    def slope(self, points: Coded, at: Array, pull: Array) -> Array:
        """[h]: what the sum of `pull` [n, n] * matrix gains by each hyperparameter; `pull` is symmetric."""
        chosen = self._of_choices(points, points, at)
        matern, fall = _matern(self._squared(points, points, at))
        found = np.zeros_like(at)
        self._slope_of_choices(points, at, pull * chosen * matern, found)
        weights = np.exp(at[self._choices : self._choices + self._numbers])
        by_square = pull * chosen * fall
        found[self._choices : self._choices + self._numbers] = weights * _gaps_summed(points, by_square)
        return found

    # ------------------------------------------------------------ choices

    def _of_choices(self, ones: Coded, others: Coded, at: Array) -> Array:
        if not self._choices:
            return np.ones((len(ones.choices), len(others.choices)))
        block = np.zeros((int(self._offsets[-1]),) * 2)
        for group in self.groups:
            distance = self._distance(group, at)
            for member in group.members:
                block[self._slice(member), self._slice(member)] = math.exp(at[member]) * distance
        return np.asarray(np.exp(-(ones.choices @ block) @ others.choices.T))

    def _distance(self, group: Group, at: Array) -> Array:
        """[count + 1, count + 1] among the values and, last, being absent."""
        distance = 1 - np.eye(group.values + 1)
        if group.start is not None:
            places = self._places(group, at)
            gaps = ((places[:, None] - places[None]) ** 2).sum(axis=2)
            there = slice(len(places))
            distance[there, there] = distance[there, there] * math.exp(at[group.start]) + gaps
        return distance

    def _places(self, group: Group, at: Array) -> Array:
        begin = (group.start or 0) + 1
        return at[begin : begin + group.placed * PLANE].reshape(group.placed, PLANE)

    def _slope_of_choices(self, points: Coded, at: Array, pull: Array, found: Array) -> None:
        pairs = points.choices.T @ pull @ points.choices
        for group in self.groups:
            distance = self._distance(group, at)
            by_pair = np.zeros_like(distance)
            for member in group.members:
                weighed = -math.exp(at[member]) * pairs[self._slice(member), self._slice(member)]
                found[member] = (weighed * distance).sum()
                by_pair += weighed
            if group.start is not None:
                self._slope_of_places(group, at, by_pair[: group.placed, : group.placed], found)

    def _slope_of_places(self, group: Group, at: Array, by_pair: Array, found: Array) -> None:
        begin = group.start or 0
        found[begin] = math.exp(at[begin]) * (by_pair.sum() - np.trace(by_pair))
        both, places = by_pair + by_pair.T, self._places(group, at)
        slope = 2 * (both.sum(axis=1)[:, None] * places - both @ places)
        found[begin + 1 : begin + 1 + group.placed * PLANE] = slope.ravel()

    def _slice(self, member: int) -> slice:
        return slice(int(self._offsets[member]), int(self._offsets[member + 1]))

    # ------------------------------------------------------------ numbers

    def _squared(self, ones: Coded, others: Coded, at: Array) -> Array:
        weights = np.exp(at[self._choices : self._choices + self._numbers])
        return np.asarray(np.maximum(_squares(ones, others, weights), 0.0))


def _squares(ones: Coded, others: Coded, weights: Array) -> Array:
    """[n, m]: weighted squared gaps of numbers, and of being present."""
    here, there = (
        np.hstack([points.numbers, points.present]) * np.sqrt(np.tile(weights, 2)) for points in (ones, others)
    )
    return np.asarray((here**2).sum(axis=1)[:, None] + (there**2).sum(axis=1)[None, :] - 2 * here @ there.T)


def _gaps_summed(points: Coded, by_square: Array) -> Array:
    """[m]: per number, `by_square` [n, n], which is symmetric, times the squared gaps, summed."""
    columns = by_square.sum(axis=1)
    return np.asarray(
        sum(2 * (z**2 * columns[:, None] - z * (by_square @ z)).sum(axis=0) for z in (points.numbers, points.present))
    )


def _matern(squared: Array) -> tuple[Array, Array]:
    """Matern 5/2 (Rasmussen and Williams, equation 4.17) of a squared distance, and its slope by that."""
    distance = np.sqrt(squared)
    fading = np.exp(-SQRT5 * distance)
    return (1 + SQRT5 * distance + 5 / 3 * squared) * fading, -5 / 6 * (1 + SQRT5 * distance) * fading


def _grouped(listed: Sequence[Parameter], start: int, similar: bool) -> list[Group]:
    """Choices with equal values of equal types, together."""
    alike: dict[str, list[int]] = {}
    for number, one in enumerate(listed):
        alike.setdefault(repr(tuple(choices(one))), []).append(number)
    groups = []
    for members in alike.values():
        count = len(choices(listed[members[0]]))
        placed = count + any(listed[member].when for member in members)
        learnt = similar and FEWEST <= count <= MOST
        groups.append(Group(members, count, placed, start if learnt else None))
        start += 1 + placed * PLANE if learnt else 0
    return groups
