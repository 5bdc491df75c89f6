"""Which network of a space trains next: every choice as often as the others."""

import itertools
import random
from collections.abc import Iterator

from neuromosaic.core.space.parameters import FloatParameter, IntParameter, OrdinalParameter, Parameter, Point, Scalar
from neuromosaic.core.space.parameters import choices as all_choices
from neuromosaic.core.space.space import SearchSpace

MOST_CHOICES = 16
GROWN_AT = 0.5


def fair_points(space: SearchSpace, seed: int) -> Iterator[Point]:
    """Without end, in rounds in which each choice of each parameter comes up once (FairNAS, Chu et al., 2021,
    arXiv:1907.01845, section 3.3), as often again as its parameter has fewer choices than another.

    Numbers of more than 16 values are drawn. A combination that the space does not hold gives way to one that is
    drawn evenly.
    """
    for number in itertools.count():
        yield from _round(space, random.Random(f"{seed}/fair/{number}"), 1.0)


def shrinking_points(space: SearchSpace, seed: int, steps: int) -> Iterator[Point]:
    """Fair ones as well, in which numbers have their largest values first and all of them from half of `steps` on:
    progressive shrinking (Cai et al., 2020, arXiv:1908.09791, section 3.3), whatever of width, depth or kernel it is.
    """
    done = 0
    for number in itertools.count():
        share = min(1.0, done / max(1.0, GROWN_AT * steps))
        for point in _round(space, random.Random(f"{seed}/shrink/{number}"), share):
            done += 1
            yield point


def _round(space: SearchSpace, draw: random.Random, share: float) -> Iterator[Point]:
    values = {name: _values(parameter, share) for name, parameter in space.parameters.items()}
    length = max((len(known) for known in values.values()), default=0) or 1
    columns = {
        name: _column(known, length, draw) if known else [space.parameters[name].sample(draw) for _ in range(length)]
        for name, known in values.items()
    }
    for row in range(length):
        point: Point = {name: column[row] for name, column in columns.items()}
        point = _active(space, point)
        yield point if space.contains(point) else space.sample(draw)


def _values(parameter: Parameter, share: float) -> list[Scalar]:
    """From the largest down, the share of the values that may be chosen; none where they are too many."""
    if isinstance(parameter, FloatParameter):
        return []
    known = list(all_choices(parameter))
    if isinstance(parameter, (IntParameter, OrdinalParameter)):
        known = known[round((1 - share) * (len(known) - 1)) :]
    return known if len(known) <= MOST_CHOICES else []


def _column(known: list[Scalar], length: int, draw: random.Random) -> list[Scalar]:
    rounds = -(-length // len(known))
    return [value for _ in range(rounds) for value in draw.sample(known, len(known))][:length]


def _active(space: SearchSpace, point: Point) -> Point:
    """Without what the conditions leave out; a condition may hang on another."""
    while True:
        kept = space.active(point)
        if len(kept) == len(point):
            return point
        point = {name: point[name] for name in kept if name in point}
