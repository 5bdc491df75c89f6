"""The space of a search over several families: which family, and which values for its constructor."""

import json
import random
from collections.abc import Mapping
from typing import NamedTuple

from neuromosaic.core.space.parameters import Point, Space, sample_point


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


Families = Mapping[str, FamilyRange]


def sample_choice(families: Families, draw: random.Random) -> Choice:
    """A family evenly, then its values evenly."""
    family = draw.choice(sorted(families))
    return Choice(family, sample_point(families[family].space, draw))
