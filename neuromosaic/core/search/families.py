"""The space of a search over several families: which family, and which values for its constructor."""

import json
import random
from collections.abc import Mapping
from typing import NamedTuple

from neuromosaic.core.errors import SpaceError
from neuromosaic.core.space.parameters import Point
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

    space: SearchSpace
    default: Point

    def mutate(self, point: Point, draw: random.Random) -> Point:
        """A point nearby; any point where the space has none there, or the author's own lies outside of it."""
        try:
            return self.space.mutate(point, draw)
        except SpaceError:
            return self.space.sample(draw)

    def cross(self, one: Point, other: Point, draw: random.Random) -> Point:
        """Each value from either parent; the first parent where one of them lies outside of the space."""
        if not (self.space.contains(one) and self.space.contains(other)):
            return one
        return self.space.cross(one, other, draw)


Families = Mapping[str, FamilyRange]


def sample_choice(families: Families, draw: random.Random) -> Choice:
    """A family evenly, then its values evenly."""
    family = draw.choice(sorted(families))
    return Choice(family, families[family].space.sample(draw))
