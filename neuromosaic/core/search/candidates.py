"""Points among which an acquisition function picks: near the leaders, and anywhere."""

import random
from collections.abc import Iterator, Sequence
from itertools import islice

from neuromosaic.core.errors import SpaceError
from neuromosaic.core.space.moving import at_fraction, fraction
from neuromosaic.core.space.parameters import FloatParameter, IntParameter, Point
from neuromosaic.core.space.space import SearchSpace

LEADERS = 5
STEPS = 100  # neighbours looked at of each leader
CHILDREN = 10  # of each leader, where it is crossed and mutated
DRAWS = 500  # even draws from the whole space
SCALES = (0.1, 0.03, 0.01, 0.003)  # deviations of moves in numbers of a leader, of their ranges


def near_and_far(space: SearchSpace, leaders: Sequence[Point], draw: random.Random) -> Iterator[Point]:
    """Single steps from the leaders (up to `STEPS` of each, any), moves of their numbers, children of them, and
    even draws. All are inside the space; some may be there twice."""
    for leader in leaders:
        steps = list(islice(space.neighbours(leader), 4 * STEPS))
        yield from steps if len(steps) <= STEPS else draw.sample(steps, STEPS)
        yield from moved(space, leader, draw)
        yield from children(space, leader, leaders, draw)
    yield from space.sample_many(DRAWS, draw.getrandbits(63))


def moved(space: SearchSpace, point: Point, draw: random.Random) -> Iterator[Point]:
    """The point with about half of its numbers moved a little, five times at each scale; none without numbers."""
    numbers = [name for name in point if isinstance(space.parameters[name], IntParameter | FloatParameter)]
    for scale in SCALES * 5 if numbers else ():
        other = dict(point)
        for name in draw.sample(numbers, k=draw.randint(1, len(numbers))):
            parameter = space.parameters[name]
            assert isinstance(parameter, IntParameter | FloatParameter)
            share = fraction(parameter, float(point[name])) + draw.gauss(0, scale)
            other[name] = at_fraction(parameter, min(max(share, 0.0), 1.0))
        if space.contains(other):
            yield other


def children(space: SearchSpace, leader: Point, leaders: Sequence[Point], draw: random.Random) -> Iterator[Point]:
    """Mutations of the leader, and of its crosses with another."""
    for number in range(CHILDREN):
        try:
            child = space.cross(leader, draw.choice(leaders), draw) if number % 2 else leader
            yield space.mutate(child, draw)
        except SpaceError:
            return  # the leader is the only point of its space
