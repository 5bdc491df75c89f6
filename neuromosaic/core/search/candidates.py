"""Points among which an acquisition function picks: near the leaders, and anywhere."""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import numpy as np

from neuromosaic.core.errors import SpaceError
from neuromosaic.core.search.coordinates import Array
from neuromosaic.core.search.strategies.memory import Key, key_of
from neuromosaic.core.space.moving import at_fraction, fraction
from neuromosaic.core.space.parameters import FloatParameter, Point
from neuromosaic.core.space.space import SearchSpace

LEADERS = 5
STEPS = 100  # neighbours looked at of each leader
CHILDREN = 10  # of each leader, where it is crossed and mutated
DRAWS = 500  # even draws from the whole space
PATHS, ASCENTS = 3, 10  # from so many points at once, and so often, single steps are looked at
SCALES = (0.1, 0.03, 0.01, 0.003)  # deviations of moves in all floats of a leader, of their ranges


def near_and_far(space: SearchSpace, leaders: Sequence[Point], draw: random.Random) -> Iterator[Point]:
    """All single steps from the leaders (up to `STEPS` of each), moves of all their floats, children of them, and
    even draws. All are inside the space; some may be there twice."""
    for leader in leaders:
        yield from islice(space.neighbours(leader), STEPS)
        yield from moved(space, leader, draw)
        yield from children(space, leader, leaders, draw)
    yield from space.sample_many(DRAWS, draw.getrandbits(63))


def moved(space: SearchSpace, point: Point, draw: random.Random) -> Iterator[Point]:
    """The point with about half of its numbers moved a little, five times at each scale; none without floats."""
    numbers = [name for name in point if isinstance(space.parameters[name], FloatParameter)]
    for scale in SCALES * 5 if numbers else ():
        other = dict(point)
        for name in draw.sample(numbers, k=draw.randint(1, len(numbers))):
            parameter = space.parameters[name]
            assert isinstance(parameter, FloatParameter)
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


def climbed(
    space: SearchSpace,
    points: Sequence[Point],
    promise: Callable[[list[Point]], Array],
    untried: Callable[[Iterable[Point]], list[Point]],
) -> Point:
    """The most promising of `points` and of what lies above them: of the three best all single steps are looked at,
    and so on from the three best then, until none of these is better (multi-start local search over an acquisition
    function: Hutter et al., 2011, "Sequential model-based optimization for general algorithm configuration", 4.3).

    `promise`: [n], more is better, of n points. `untried`: those of some points that may be suggested, each once.
    """
    found = {key_of(point): point for point in points}
    promises, looked_at = promise(list(found.values())), set[Key]()
    for _ in range(ASCENTS):
        tops = [list(found)[one] for one in np.argsort(-promises, kind="stable")[:PATHS]]
        starts = [found[top] for top in tops if top not in looked_at]
        looked_at.update(tops)
        steps = untried(step for start in starts for step in islice(space.neighbours(start), STEPS))
        near = {key: step for step in steps if (key := key_of(step)) not in found}
        if not near:
            break
        above, best = promise(list(near.values())), promises.max()
        found, promises = found | near, np.append(promises, above)
        if above.max() <= best:
            break
    return list(found.values())[int(np.argmax(promises))]
