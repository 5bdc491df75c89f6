"""Which candidates no other one beats in every respect."""

from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")


def dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    """True where `one` is nowhere above `other` and somewhere below it (every objective is to be small)."""
    return all(a <= b for a, b in zip(one, other, strict=True)) and tuple(one) != tuple(other)


def pareto_front(items: Sequence[Item], objectives: Callable[[Item], Sequence[float]]) -> list[Item]:
    """The items that none dominates, in their given order; of several equal ones the first.

    `objectives` are to be small; an item with a NaN in them is never in the front.
    """
    points = [tuple(objectives(item)) for item in items]
    return [
        item
        for index, (item, point) in enumerate(zip(items, points, strict=True))
        if all(value == value for value in point)
        and not any(dominates(other, point) for other in points)
        and point not in points[:index]
    ]
