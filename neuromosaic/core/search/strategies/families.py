"""Random search, and regularised evolution that starts from the families' own defaults."""

import random
from collections.abc import Mapping

from neuromosaic.core.search.families import Choice, Families, sample_choice


class RandomSearch:
    """Independent even draws; the baseline that every other strategy must beat."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def suggest(self, space: Families, trial_number: int) -> Choice:
        return sample_choice(space, random.Random(f"{self._seed}/random/{trial_number}"))

    def update(self, architecture: Choice, metrics: Mapping[str, float]) -> None:
        """Random search learns nothing."""


class Evolution:
    """Regularised (aging) evolution (Real et al., 2019, arXiv:1802.01548, section 3) over families.

    It begins with each family's default point, then `warm_up` draws of the random search with the same seed (so
    that a baseline beside it pays for those only once). Then the best of a tournament among the latest
    `population` trials is mutated, or crossed with another one of its family. `metrics["fitness"]`: more is better.
    """

    def __init__(self, seed: int, warm_up: int = 4, population: int = 24, tournament: int = 5) -> None:
        self._seed, self._warm_up = seed, warm_up
        self._population, self._tournament = population, tournament
        self._told: list[tuple[Choice, float]] = []
        self._begun: dict[str, None] = {}
        self._random = RandomSearch(seed)
        self._drawn = 0

    def suggest(self, space: Families, trial_number: int) -> Choice:
        for family in space:
            if family not in self._begun:
                self._begun[family] = None
                return Choice(family, space[family].default)
        if self._drawn < self._warm_up or not self._told:
            self._drawn += 1
            return self._random.suggest(space, self._drawn - 1)
        return self._offspring(space, random.Random(f"{self._seed}/evolution/{trial_number}"))

    def update(self, architecture: Choice, metrics: Mapping[str, float]) -> None:
        self._told.append((architecture, metrics["fitness"]))

    def _offspring(self, space: Families, draw: random.Random) -> Choice:
        living = self._told[-self._population :]
        parent = self._select(living, draw)
        mates = [told for told in living if told[0].family == parent.family and told[0] != parent]
        values = parent.values
        if mates and draw.random() < 0.3:
            values = space[parent.family].cross(values, self._select(mates, draw).values, draw)
        return Choice(parent.family, space[parent.family].mutate(values, draw))

    def _select(self, among: list[tuple[Choice, float]], draw: random.Random) -> Choice:
        contest = draw.sample(among, k=min(self._tournament, len(among)))
        return max(contest, key=lambda told: told[1])[0]
