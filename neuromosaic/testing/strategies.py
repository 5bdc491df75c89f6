"""What every search strategy must keep, to be run on one's own: `check_strategy`."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from neuromosaic.core.errors import SearchError, SearchExhausted
from neuromosaic.core.protocols import SearchStrategy
from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.space import SearchSpace

Make: TypeAlias = Callable[[int, Objectives], SearchStrategy]
Trial: TypeAlias = tuple[Point, Mapping[str, float]]

ONE = Objectives({"value": "max"})
TWO = Objectives({"value": "max", "cost": "min"}, {"cost": "<= 40"})


def check_strategy(make: Make, trials: int = 12) -> None:
    """Searches small spaces of every kind with `make(seed, objectives)`, and checks that

    every point is in its space; the same seed and the same results give the same points, also where they are told
    to a new strategy (which is how a search is resumed); missing, NaN and infinite metrics, equal ones, several
    objectives with limits, trials in flight, spaces of one point, points told that were not asked for and spaces
    that are used up do no harm. SearchExhausted is an answer. `trials` per space: enough that the strategy is past
    what it begins with. Raises AssertionError naming the space and what was broken.
    """
    for space in spaces():
        _check_replay(make, space, min(trials, 2 + (space.size() or trials)))
        _check_pending(make, space)
    mixed = next(spaces())
    for name, metrics in BAD.items():
        _searched(make(0, ONE), mixed, trials, metrics, f"metrics are {name}")
    _check_several(make, mixed, trials)
    _check_strangers(make, mixed, trials)


def spaces() -> Iterator[SearchSpace]:
    """One of each kind: mixed with conditions and constraints, numbers, choices that are soon used up, one point."""
    yield SearchSpace(
        {
            "kind": {"type": "categorical", "values": ["a", "b", 1, True, 1.5]},
            "rate": {"type": "float", "min": 1e-4, "max": 1.0, "log": True},
            "size": {"type": "int", "min": 1, "max": 9},
            "level": {"type": "ordinal", "values": ["low", "middle", "high"]},
            "deep": {"type": "bool"},
            "depth": {"type": "int", "min": 2, "max": 64, "log": True, "when": {"deep": True}},
        },
        ["size != 5"],
        name="mixed",
    )
    yield SearchSpace({f"x{n}": {"type": "float", "min": -1.0, "max": 1.0} for n in range(2)}, name="numbers")
    yield SearchSpace({"deep": {"type": "bool"}, "kind": {"type": "categorical", "values": [1, 2, 3]}}, name="six")
    yield SearchSpace({"kind": {"type": "categorical", "values": ["a"]}}, name="one point")


def measured(number: int, point: Point) -> Mapping[str, float]:
    """Some metrics that depend on the point alone."""
    total = sum(
        float(value) if isinstance(value, (int, float)) else float(len(name)) for name, value in sorted(point.items())
    )
    return {"value": math.sin(total) + 0.01 * total, "cost": abs(total)}


BAD: Mapping[str, Callable[[int, Point], Mapping[str, float]]] = {
    "missing": lambda number, point: {},
    "NaN at times": lambda number, point: {"value": math.nan} if number % 2 else measured(number, point),
    "infinite at times": lambda number, point: {"value": math.inf} if number % 3 else measured(number, point),
    "all equal": lambda number, point: {"value": 1.0},
    "huge": lambda number, point: {"value": 1e300 * (-1) ** number},
}


def _searched(
    strategy: SearchStrategy,
    space: SearchSpace,
    trials: int,
    measure: Callable[[int, Point], Mapping[str, float]],
    where: str,
    first: int = 0,
) -> list[Trial]:
    told: list[Trial] = []
    for number in range(first, first + trials):
        try:
            point = strategy.suggest(space, number)
        except SearchExhausted:
            break
        assert space.contains(point), f"{space.name}: trial {number} is outside the space, when {where}: {point}"
        told.append((point, measure(number, point)))
        strategy.update(*told[-1])
    return told


def _check_replay(make: Make, space: SearchSpace, trials: int) -> None:
    told = _searched(make(3, ONE), space, trials, measured, "it is searched")
    assert told == _searched(make(3, ONE), space, trials, measured, "it is searched"), f"{space.name}: {SEEDED}"
    for stop in sorted({len(told) // 2, max(len(told) - 1, 0)}):
        resumed = make(3, ONE)
        for trial in told[:stop]:
            resumed.update(*trial)
        rest = _searched(resumed, space, len(told) - stop, measured, "it is resumed", first=stop)
        assert rest == told[stop:], f"{space.name}: resumed after {stop} trials, it goes on otherwise than before"


SEEDED = "the same seed and results give other points; draw from (seed, trial_number) alone"


def _check_pending(make: Make, space: SearchSpace) -> None:
    """Four workers: suggestions come while others are in flight, results in another order."""
    strategy = make(1, ONE)
    flying: list[Point] = []
    for number in range(16):
        tell_pending(strategy, flying)
        try:
            point = strategy.suggest(space, number)
        except SearchExhausted:
            break
        assert space.contains(point), f"{space.name}: trial {number} beside others is outside the space: {point}"
        flying.append(point)
        if len(flying) == 4:
            done = flying.pop(number % 4)
            strategy.update(done, measured(number, done))


def tell_pending(strategy: SearchStrategy, points: Sequence[Point]) -> None:
    """Tells of the trials in flight, where the strategy wants to know."""
    pending = getattr(strategy, "pending", None)
    if pending is not None:
        pending(list(points))


def _check_several(make: Make, space: SearchSpace, trials: int) -> None:
    """Two objectives and a limit; SearchError that refuses them is an answer."""
    try:
        strategy = make(0, TWO)
    except SearchError:
        return
    _searched(strategy, space, trials, measured, "there are two objectives and a limit")


def _check_strangers(make: Make, space: SearchSpace, trials: int) -> None:
    """Points that it never suggested: of a search that began with another strategy, or by hand."""
    strategy = make(0, ONE)
    for number, point in enumerate(space.sample_many(5, 0)):
        strategy.update(point, measured(number, point))
    _searched(strategy, space, trials, measured, "points were told that it did not suggest", first=5)
