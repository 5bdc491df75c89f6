"""Successive halving in its forms: each level of fidelity is reached by the best share of the level below."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated
from zlib import crc32

from pydantic import Field

from neuromosaic.core.errors import SearchError
from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.pruners.measure import Measure
from neuromosaic.core.search.pruners.rungs import Rungs

AtLeastOne = Annotated[int, Field(ge=1)]
AtLeastTwo = Annotated[int, Field(ge=2)]
NAME = "search"


class _Halving(ABC):
    """Every trial stands on one of some ladders; levels are reached, left and lost there."""

    def __init__(self, objectives: Objectives) -> None:
        self._value = Measure(objectives)

    @abstractmethod
    def _of(self, trial_id: str) -> Rungs:
        """The trial's ladder."""

    @abstractmethod
    def _all(self) -> Iterable[Rungs]:
        """In the order in which they may promote."""

    def should_stop(
        self,
        trial_id: str,
        step: int,
        metrics: Mapping[str, float],
        history: Mapping[str, Sequence[Mapping[str, float]]],
    ) -> bool:
        return self._of(trial_id).stops(trial_id, step, self._value(metrics))

    def first(self, trial_id: str) -> int:
        return self._of(trial_id).levels[0]

    def top(self, trial_id: str) -> int:
        return self._of(trial_id).levels[-1]

    def reached(self, trial_id: str, fidelity: int, metrics: Mapping[str, float]) -> None:
        self._of(trial_id).reached(trial_id, fidelity, self._value(metrics) if metrics else math.nan)

    def promoted(self, trial_id: str, fidelity: int) -> None:
        self._of(trial_id).promoted(trial_id, fidelity)

    def promotion(self) -> tuple[str, int] | None:
        return next((found for one in self._all() if (found := one.promotion()) is not None), None)

    def hopeless(self, coming: int) -> Sequence[str]:
        return [trial for one in self._all() for trial in one.hopeless(coming)]


class AshaPruner(_Halving):
    """Asynchronous successive halving (Li et al., 2020, arXiv:1810.05934, algorithm 2).

    With an evaluator that takes `fidelity`: a trial is paused at `min_resource` steps, and whenever a worker is free
    the best paused trial that is among the best 1/`reduction_factor` of its level goes on to the next, up to
    `max_resource`; only if there is none, a new one begins. Each level is `reduction_factor` times the one below, but
    for the last, which is `max_resource`. With one that reports: a trial that reaches a level and is not among its
    best is stopped; then the decisions are those of Optuna's SuccessiveHalvingPruner.
    """

    def __init__(
        self,
        objectives: Objectives,
        *,
        min_resource: AtLeastOne = 1,
        max_resource: AtLeastOne = 81,
        reduction_factor: AtLeastTwo = 3,
    ) -> None:
        super().__init__(objectives)
        levels = levels_of(min_resource, max_resource, reduction_factor)
        self._rungs = Rungs(levels, reduction_factor, top=max_resource)

    def _of(self, trial_id: str) -> Rungs:
        return self._rungs

    def _all(self) -> Iterable[Rungs]:
        return (self._rungs,)


class HyperbandPruner(_Halving):
    """Hyperband (Li et al., 2018, JMLR 18(185)) over asynchronous brackets, which begin at different levels.

    Which bracket a trial belongs to follows from its number alone, in proportion to the brackets' budgets; within a
    bracket as `asha`. The decisions on reports are those of Optuna's HyperbandPruner for a study named "search".
    """

    def __init__(
        self,
        objectives: Objectives,
        *,
        min_resource: AtLeastOne = 1,
        max_resource: AtLeastOne = 81,
        reduction_factor: AtLeastTwo = 3,
    ) -> None:
        super().__init__(objectives)
        levels = levels_of(min_resource, max_resource, reduction_factor)
        self._brackets = [Rungs(levels[begin:], reduction_factor, top=max_resource) for begin in range(len(levels))]
        self._budgets = [_budget(len(levels), index, reduction_factor) for index in range(len(levels))]

    def bracket(self, trial_id: str) -> int:
        """The number of a trial's bracket; the first begins at the lowest level."""
        left = crc32(f"{NAME}_{trial_id}".encode()) % sum(self._budgets)
        for index, budget in enumerate(self._budgets):
            left -= budget
            if left < 0:
                return index
        raise AssertionError("a remainder is below the sum")

    def _of(self, trial_id: str) -> Rungs:
        return self._brackets[self.bracket(trial_id)]

    def _all(self) -> Iterable[Rungs]:
        return self._brackets


class SuccessiveHalvingPruner(_Halving):
    """Successive halving in rounds (Jamieson & Talwalkar, 2016, arXiv:1502.07943).

    With an evaluator that takes `fidelity`, `n_trials` trials form a round (default: as many as bring one to the
    top): a level is decided when all of the round that were to reach it have, and never depends on which was
    quicker. With one that reports: as `asha`.
    """

    def __init__(
        self,
        objectives: Objectives,
        *,
        min_resource: AtLeastOne = 1,
        max_resource: AtLeastOne = 81,
        reduction_factor: AtLeastTwo = 3,
        n_trials: AtLeastOne | None = None,
    ) -> None:
        super().__init__(objectives)
        self._levels = levels_of(min_resource, max_resource, reduction_factor)
        self._factor, self._most = reduction_factor, max_resource
        self._reporting = Rungs(self._levels, reduction_factor, top=max_resource)
        self._size = n_trials or reduction_factor ** (len(self._reporting.levels) - 1)
        self._rounds: dict[int, Rungs] = {}

    def _of(self, trial_id: str) -> Rungs:
        number = int(trial_id) // self._size
        return self._rounds.setdefault(number, Rungs(self._levels, self._factor, self._size, self._most))

    def _all(self) -> Iterable[Rungs]:
        return [self._rounds[number] for number in sorted(self._rounds)]

    def should_stop(
        self,
        trial_id: str,
        step: int,
        metrics: Mapping[str, float],
        history: Mapping[str, Sequence[Mapping[str, float]]],
    ) -> bool:
        return self._reporting.stops(trial_id, step, self._value(metrics))

    def close(self, trials: int) -> None:
        """No more than `trials` trials will come: the last round may be smaller than the others."""
        last, size = divmod(trials, self._size)
        if size:
            self._of(str(last * self._size)).size = size


def levels_of(least: int, most: int, factor: int) -> tuple[int, ...]:
    """least, least * factor, ... up to `most`. Raises SearchError where `most` is below `least`."""
    if most < least:
        raise SearchError(f"pruner: max_resource {most} is below min_resource {least}")
    levels = [least]
    while levels[-1] * factor <= most:
        levels.append(levels[-1] * factor)
    return tuple(levels)


def _budget(brackets: int, index: int, factor: int) -> int:
    rest = brackets - 1 - index
    return math.ceil(brackets * int(factor**rest) / (rest + 1))
