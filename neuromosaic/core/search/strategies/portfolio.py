"""A portfolio: several strategies share the trials, and the one whose trials are good gets more of them."""

import math
import random
from collections.abc import Sequence

from neuromosaic.core.errors import SearchError, SearchExhausted
from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.strategies.memory import Key, Memory, Metrics, key_of
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.space import SearchSpace

RECENT, GOOD = 200, 0.2  # a trial pays where it is among this share of the latest so many
WINDOW = 40  # the latest trials, which tell what a strategy is worth now


class Portfolio:
    """A bandit over `strategies` by Thompson sampling (Thompson, 1933; over a sliding window: Trovo et al., 2020).

    All are told of every trial. A trial pays to the strategy that suggested it where it is among the best fifth of
    the latest 200; for the next one each strategy draws from the Beta distribution of what it paid in the latest 40
    trials, and the highest draw suggests.
    """

    def __init__(
        self,
        seed: int,
        objectives: Objectives,
        *,
        strategies: Sequence[str] = ("bayesian", "local_search", "regularized_evolution", "random"),
    ) -> None:
        from neuromosaic.core.search.strategies.catalogue import make_strategy

        if not strategies or "portfolio" in strategies or len(set(strategies)) < len(strategies):
            raise SearchError(f"strategy portfolio: give strategies, each once, not {list(strategies)}")
        self._seed, self._objectives = seed, objectives
        self._names = tuple(strategies)
        self._members = {name: make_strategy(name, seed, objectives) for name in strategies}
        self._memory = Memory()
        self._asked: dict[Key, str] = {}
        self._paid: list[tuple[str, bool]] = []

    @property
    def fallbacks(self) -> int:
        return sum(getattr(member, "fallbacks", 0) for member in self._members.values())

    def suggest(self, space: SearchSpace, trial_number: int) -> Point:
        self._follow()
        order = self._order(trial_number, len(self._paid))
        for name in order:
            try:
                point = self._members[name].suggest(space, trial_number)
            except SearchExhausted:
                continue
            self._asked[key_of(point)] = order[0]
            return point
        raise SearchExhausted("portfolio: none of its strategies has anything new to suggest")

    def update(self, architecture: Point, metrics: Metrics) -> None:
        self._memory.tell(architecture, metrics)
        for member in self._members.values():
            member.update(architecture, metrics)

    def pending(self, points: Sequence[Point]) -> None:
        for member in self._members.values():
            told = getattr(member, "pending", None)
            if told is not None:
                told(points)

    def _follow(self) -> None:
        """Pays for the trials told since the last time. One that was not asked for here, after a resume, goes to the
        strategy whose turn it was."""
        for number in range(len(self._paid), len(self._memory)):
            name = self._asked.pop(key_of(self._memory.points[number]), None) or self._order(number, number)[0]
            self._paid.append((name, self._is_good(number)))

    def _is_good(self, number: int) -> bool:
        scores = self._objectives.scores(self._memory.metrics[max(0, number + 1 - RECENT) : number + 1])
        return bool(scores[-1] > -math.inf and (scores >= scores[-1]).sum() <= max(1, GOOD * len(scores)))

    def _order(self, trial_number: int, told: int) -> list[str]:
        """The strategies, the one whose turn it is first."""
        draw = random.Random(f"{self._seed}/portfolio/{trial_number}")
        worth = {}
        for name in self._names:
            paid = [good for who, good in self._paid[max(0, told - WINDOW) : told] if who == name]
            worth[name] = draw.betavariate(1 + sum(paid), 1 + len(paid) - sum(paid))
        return sorted(self._names, key=lambda name: -worth[name])
