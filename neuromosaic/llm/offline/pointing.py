"""Proposes the next points of a search: children of the best ones."""

import random
from collections.abc import Sequence

from neuromosaic.core.errors import SpaceError
from neuromosaic.core.proposals import PointsProposal
from neuromosaic.core.role_inputs import PointInputs
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.space import SearchSpace

PROPOSED = 8
PARENTS = 4


def propose_points(inputs: PointInputs) -> PointsProposal:
    """Mutations of the best points, every other one of a cross of two; even draws where nothing is known yet."""
    space = SearchSpace(inputs.parameters, inputs.constraints)
    draw = random.Random(f"points/{inputs.number}/{inputs.trials}")
    parents = [tried.point for tried in inputs.best[:PARENTS] if tried.figures and space.contains(tried.point)]
    if not parents:
        return PointsProposal(points=tuple(space.sample_many(PROPOSED, inputs.number)), reason="Even draws.")
    points = [_child(space, parents, draw, is_crossed=bool(number % 2)) for number in range(PROPOSED)]
    return PointsProposal(points=tuple(points), reason="Small moves from the best points so far.")


def _child(space: SearchSpace, parents: Sequence[Point], draw: random.Random, is_crossed: bool) -> Point:
    parent = draw.choice(parents)
    near = space.cross(parent, draw.choice(parents), draw) if is_crossed else parent
    try:
        return space.mutate(near, draw)
    except SpaceError:
        return near  # it is the only point of its space
