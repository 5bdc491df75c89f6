"""Which candidates no other one beats in every respect: fronts, crowding, hypervolume, knee.

Arrays are float64 [n, k]: n points, k objectives that are all to be small.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from numpy.typing import NDArray

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


def front_ranks(losses: NDArray[Any]) -> NDArray[Any]:
    """int64 [n]: 0 for what nothing dominates, 1 for what only those dominate, and so on.

    Equal points share a rank. `losses` must be without NaN. Efficient non-dominated sort (Zhang et al., 2015, IEEE
    Transactions on Evolutionary Computation 19(2)): in lexicographic order each point joins the first front of
    which no member dominates it.
    """
    import numpy as np

    distinct, where = np.unique(losses, axis=0, return_inverse=True)
    ranks = _ranks_of_two(distinct) if losses.shape[1] == 2 else _ranks_of_many(distinct)
    return ranks[where.reshape(-1)]


def _ranks_of_two(ordered: NDArray[Any]) -> NDArray[Any]:
    """With two objectives the latest member of a front is its lowest in the second: bisection finds the front."""
    import numpy as np

    lowest: list[float] = []  # per front, of the second objective: it rises from front to front
    ranks = np.empty(len(ordered), dtype=np.int64)
    for index, second in enumerate(ordered[:, 1].tolist()):
        rank = bisect_right(lowest, second)
        if rank == len(lowest):
            lowest.append(second)
        else:
            lowest[rank] = second
        ranks[index] = rank
    return ranks


def _ranks_of_many(ordered: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    fronts: list[list[int]] = []
    ranks = np.empty(len(ordered), dtype=np.int64)
    for index, point in enumerate(ordered):
        rank = next(
            (r for r, front in enumerate(fronts) if not (ordered[front] <= point).all(axis=1).any()), len(fronts)
        )
        if rank == len(fronts):
            fronts.append([])
        fronts[rank].append(index)
        ranks[index] = rank
    return ranks


def crowding_distances(losses: NDArray[Any]) -> NDArray[Any]:
    """float64 [n]: how far each point of one front is from its neighbours; infinite at the ends of an objective.

    (Deb et al., 2002, NSGA-II, section III.B.) An objective in which all are equal tells nothing.
    """
    import numpy as np

    distances = np.zeros(len(losses))
    for column in losses.T:
        order = np.argsort(column, kind="stable")
        span = column[order[-1]] - column[order[0]]
        if span > 0:
            distances[order[[0, -1]]] = np.inf
            distances[order[1:-1]] += (column[order[2:]] - column[order[:-2]]) / span
    return distances


def hypervolume(losses: NDArray[Any], reference: Sequence[float]) -> float:
    """The volume between the points and `reference` [k] that at least one point dominates, exactly.

    By slices along the last objective, O(n^(k-1) log n). Points beyond the reference, or with NaN, add nothing.

    >>> import numpy as np
    >>> hypervolume(np.array([[0.0, 2.0], [1.0, 1.0]]), [3.0, 3.0])
    5.0
    """
    import numpy as np

    limit = np.asarray(reference, dtype=np.float64)
    inside = losses[(losses < limit).all(axis=1)]
    if not len(inside):
        return 0.0
    return _volume(inside[front_ranks(inside) == 0], limit)


def _volume(front: NDArray[Any], limit: NDArray[Any]) -> float:
    import numpy as np

    if len(limit) == 1:
        return float(limit[0] - front[:, 0].min())
    front = front[np.argsort(front[:, -1], kind="stable")]
    if len(limit) == 2:
        lowest = np.minimum.accumulate(front[:, 0])
        heights = np.diff(np.append(front[:, 1], limit[1]))
        return float(((limit[0] - lowest) * heights).sum())
    heights = np.diff(np.append(front[:, -1], limit[-1]))
    return sum(
        _volume(front[: index + 1, :-1], limit[:-1]) * float(height)
        for index, height in enumerate(heights)
        if height > 0
    )


def knee(losses: NDArray[Any]) -> int:
    """The index of a front's point that gains most over a fair exchange between its ends; the first of several.

    The one farthest below the plane through the ends, each objective scaled to [0, 1] over the front (Das, 1999,
    Structural Optimization 18: the maximum bulge). With one objective: the smallest.
    """
    import numpy as np

    low, high = losses.min(axis=0), losses.max(axis=0)
    scaled = (losses - low) / np.where(high > low, high - low, 1.0)
    return int(scaled.sum(axis=1).argmin())
