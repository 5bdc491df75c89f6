"""Where an acquisition function looks for its best point."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from neuromosaic.core.search.candidates import climbed
from neuromosaic.core.space.space import SearchSpace

CELLS = SearchSpace({f"edge{number}": {"type": "categorical", "values": list("abcde")} for number in range(7)})
GOAL = {f"edge{number}": "d" for number in range(7)}


def promise(points: list[Any]) -> Any:
    return np.array([float(sum(point[name] == GOAL[name] for name in GOAL)) for point in points])


def every(points: Iterable[Any]) -> list[Any]:
    return list(points)


@pytest.mark.parametrize("seed", range(3))
def test_it_climbs_from_the_most_promising_to_a_point_above_all_its_neighbours(seed: int) -> None:
    points = CELLS.sample_many(5, seed)
    assert promise(points).max() < 5
    assert climbed(CELLS, points, promise, every) == GOAL


def test_what_may_not_be_suggested_is_not_and_the_best_of_the_rest_is() -> None:
    found = climbed(CELLS, CELLS.sample_many(5, 0), promise, lambda points: [one for one in points if one != GOAL])
    assert promise([found]).tolist() == [6.0]


def test_where_nothing_is_left_around_them_the_best_of_the_points_is_taken() -> None:
    points = CELLS.sample_many(5, 0)
    assert climbed(CELLS, points, promise, lambda points: []) == points[int(np.argmax(promise(points)))]


def test_no_point_is_judged_twice() -> None:
    judged: list[Any] = []

    def counted(points: list[Any]) -> Any:
        judged.extend(tuple(sorted(point.items())) for point in points)
        return promise(points)

    climbed(CELLS, CELLS.sample_many(20, 1), counted, lambda points: [*{repr(one): one for one in points}.values()])
    assert len(judged) == len(set(judged)) > 20
