"""The Pareto set holds exactly what nothing dominates."""

from hypothesis import given
from hypothesis import strategies as st

from neuromosaic.core.search.pareto import dominates, pareto_front

points = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)), max_size=30)


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
