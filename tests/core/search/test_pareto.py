"""The Pareto set holds exactly what nothing dominates."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuromosaic.core.search.pareto import (
    crowding_distances,
    dominates,
    front_ranks,
    hypervolume,
    knee,
    pareto_front,
)

points = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)), max_size=30)
arrays = st.integers(1, 4).flatmap(
    lambda k: st.lists(st.tuples(*[st.integers(0, 5)] * k), min_size=1, max_size=20).map(
        lambda rows: np.array(rows, dtype=np.float64).reshape(len(rows), k)
    )
)


@given(points)
def test_no_member_is_dominated_and_every_outsider_is_dominated_or_equal(items: list[tuple[int, int, int]]) -> None:
    front = pareto_front(items, lambda item: item)
    assert not any(dominates(a, b) for a in front for b in front)
    for item in items:
        assert item in front or any(dominates(member, item) for member in front)
    assert len(set(front)) == len(front)


def test_nan_is_never_in_the_front() -> None:
    assert pareto_front([float("nan"), 2.0], lambda item: [item]) == [2.0]


def test_domination_needs_one_strictly_smaller_objective() -> None:
    assert dominates([1, 2], [1, 3])
    assert not dominates([1, 2], [1, 2])
    assert not dominates([1, 2], [0, 3])


@given(arrays)
def test_ranks_are_those_of_peeling_front_after_front(losses: np.ndarray) -> None:
    expected = np.full(len(losses), -1)
    rank = 0
    while (expected < 0).any():
        left = [i for i in range(len(losses)) if expected[i] < 0]
        front = [i for i in left if not any(dominates(losses[j].tolist(), losses[i].tolist()) for j in left)]
        expected[front] = rank
        rank += 1
    assert front_ranks(losses).tolist() == expected.tolist()


@settings(deadline=None)
@given(arrays)
def test_the_hypervolume_is_the_number_of_dominated_unit_cells(losses: np.ndarray) -> None:
    k = losses.shape[1]
    cells = itertools.product(range(6), repeat=k)
    covered = sum(bool((losses <= np.array(cell)).all(axis=1).any()) for cell in cells)
    assert hypervolume(losses, [6.0] * k) == pytest.approx(covered)


def test_points_beyond_the_reference_or_with_nan_add_no_volume() -> None:
    losses = np.array([[1.0, 1.0], [5.0, 0.0], [np.nan, 0.0]])
    assert hypervolume(losses, [2.0, 2.0]) == 1.0
    assert hypervolume(losses[1:], [2.0, 2.0]) == 0.0


def test_crowding_is_infinite_at_the_ends_and_grows_with_distance() -> None:
    distances = crowding_distances(np.array([[0.0, 4.0], [1.0, 3.0], [3.0, 1.0], [4.0, 0.0]]))
    assert np.isinf(distances[[0, 3]]).all()
    assert distances[1:3].tolist() == [1.5, 1.5]
    assert crowding_distances(np.ones((3, 2))).tolist() == [0.0, 0.0, 0.0]


def test_the_knee_is_where_the_front_bulges() -> None:
    assert knee(np.array([[0.0, 10.0], [1.0, 1.0], [10.0, 0.0]])) == 1
    assert knee(np.array([[3.0], [2.0]])) == 1
