"""The space of a search over several families: which family, and which values for its constructor."""

import json
import random
from collections.abc import Mapping
from typing import NamedTuple

from neuromosaic.core.space.parameters import Point, Space, cross_points, mutate_point, sample_point
from neuromosaic.core.space.space import SearchSpace


class Choice(NamedTuple):
    """One point: a family by its id, and values for its constructor's arguments."""

    family: str
    values: Point

    @property
    def key(self) -> str:
        return json.dumps([self.family, self.values], sort_keys=True)


class FamilyRange(NamedTuple):
    """One family as a search sees it: its space, and the point that its author thought best."""

    space: Space
    default: Point
    constraints: tuple[str, ...] = ()

    def sample(self, draw: random.Random) -> Point:
        """Values drawn evenly, under the constraints."""
        return self._bound.sample(draw) if self.constraints else sample_point(self.space, draw)

    def mutate(self, point: Point, draw: random.Random) -> Point:
        return self._bound.mutate(point, draw) if self.constraints else mutate_point(self.space, point, draw)

    def cross(self, one: Point, other: Point, draw: random.Random) -> Point:
        if self.constraints:
            return self._bound.cross(one, other, draw)
        return cross_points(self.space, one, other, draw)

    @property
    def _bound(self) -> SearchSpace:
        return SearchSpace(self.space, self.constraints)


Families = Mapping[str, FamilyRange]


def sample_choice(families: Families, draw: random.Random) -> Choice:
    """A family evenly, then its values evenly."""
    family = draw.choice(sorted(families))
    return Choice(family, families[family].sample(draw))
