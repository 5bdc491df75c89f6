"""Bayesian search: a Gaussian process learns which points are good, an acquisition function picks the next."""

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.strategies.evolution import AtLeastOne
from neuromosaic.core.search.strategies.memory import Memory, Metrics
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.space import SearchSpace

if TYPE_CHECKING:
    from neuromosaic.core.search.surrogate import Fitted, Surrogate

SHORTLIST = 24  # points that are measured, where a space can measure them: that takes its time


class BayesianSearch:
    """A Gaussian process on softened scores (Snoek et al., 2012, arXiv:1206.2944, sections 2 and 3; see `softened`).

    Begins with `n_initial_random` even draws (as many as there are parameters and four more, 24 at most, if not
    given); then takes the best by `acquisition_function` (see `acquisition`) of points near the leaders and of even
    draws. Results of several fidelities teach each other (see `levels`). Where a space has `measures`, the 24 most
    promising points are measured, and a second process, with these figures beside the parameters, picks among them.
    `fallbacks`: suggestions drawn by chance because a process failed.
    """

    name: ClassVar[str] = "bayesian"
    similar: ClassVar[bool] = False

    def __init__(
        self,
        seed: int,
        objectives: Objectives,
        *,
        acquisition_function: Literal["ei", "ucb", "pi"] = "ei",
        n_initial_random: AtLeastOne | None = None,
    ) -> None:
        self._seed, self._objectives = seed, objectives
        self._acquisition, self._initial = acquisition_function, n_initial_random
        self._memory = Memory()
        self._known: tuple[SearchSpace, list[Surrogate]] | None = None
        self.fallbacks = 0

    def suggest(self, space: SearchSpace, trial_number: int) -> Point:
        """The next point; one that was told already only where no other turns up."""
        import numpy as np

        draw = random.Random(f"{self._seed}/{self.name}/{trial_number}")
        initial = min(len(space.parameters) + 4, 24) if self._initial is None else self._initial
        if self._memory.distinct < max(initial, 2):
            return self._memory.fresh(space, draw)
        try:
            return self._picked(space, draw)
        except np.linalg.LinAlgError:
            self.fallbacks += 1
            return self._memory.fresh(space, draw)

    def update(self, architecture: Point, metrics: Metrics, fidelity: float | None = None) -> None:
        self._memory.tell(architecture, metrics, fidelity)

    def pending(self, points: Sequence[Point]) -> None:
        self._memory.await_(points)

    def _picked(self, space: SearchSpace, draw: random.Random) -> Point:
        from neuromosaic.core.search.candidates import LEADERS, near_and_far

        by_parameters, *by_figures = self._surrogates(space)
        fitted = by_parameters.fit(self._memory, self._objectives)
        candidates = self._memory.untried(near_and_far(space, fitted.points[:LEADERS], draw))
        if not candidates:
            return self._memory.fresh(space, draw)
        for surrogate in by_figures:
            candidates = self._best(candidates, fitted, SHORTLIST)
            fitted = surrogate.fit(self._memory, self._objectives)
        return self._best(candidates, fitted, 1)[0]

    def _best(self, candidates: Sequence[Point], fitted: "Fitted", most: int) -> list[Point]:
        """Those of which the acquisition function thinks most, the best one first."""
        import numpy as np

        from neuromosaic.core.search.acquisition import acquisition

        mean, deviation = fitted.predict(candidates)
        worth = acquisition(self._acquisition, mean, deviation, fitted.best)
        return [candidates[one] for one in np.argsort(-worth, kind="stable")[:most]]

    def _surrogates(self, space: SearchSpace) -> "list[Surrogate]":
        """By the parameters; and, where the space measures its points, by its figures as well."""
        from neuromosaic.core.search.measured import Measured
        from neuromosaic.core.search.surrogate import Surrogate

        if self._known is None or self._known[0] is not space:
            measured = Measured(space) if space.measures else None
            kinds = [None, measured] if measured and measured.count else [None]
            self._known = space, [Surrogate(space, self.similar, one) for one in kinds]
        return self._known[1]
