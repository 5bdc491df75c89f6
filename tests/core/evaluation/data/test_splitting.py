import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data.splitting import (
    Rows,
    divide,
    divide_by_class,
    divide_by_group,
    divide_by_time,
    shuffled,
)

BOTH = ("test", "validation")


def assert_divided(rows: Rows, count: int) -> None:
    """Every row is in exactly one part, and no part is empty."""
    assert sorted(np.concatenate(list(rows.values())).tolist()) == list(range(count))
    assert all(len(part) for part in rows.values())


def test_the_order_is_fixed_for_good() -> None:
    assert shuffled(8, "digest", "split").tolist() == [7, 6, 4, 1, 2, 5, 0, 3]
    assert shuffled(50, "digest", "split").tolist() != shuffled(50, "other", "split").tolist()


@given(st.integers(3, 300), st.text(max_size=5))
def test_rows_drawn_at_random_are_divided(count: int, digest: str) -> None:
    rows = divide(count, BOTH, digest)
    assert_divided(rows, count)
    assert len(rows["test"]) == len(rows["validation"]) == max(1, round(0.15 * count))


@given(st.lists(st.integers(3, 40), min_size=2, max_size=8), st.booleans())
def test_every_class_has_its_share_everywhere(sizes: list[int], both: bool) -> None:
    classes = np.repeat(np.arange(len(sizes)), sizes)
    rows = divide_by_class(classes, tuple("abcdefgh"[: len(sizes)]), BOTH if both else ("validation",), "digest")
    assert_divided(rows, len(classes))
    shares = np.bincount(classes[rows["validation"]], minlength=len(sizes))
    assert shares.tolist() == [max(1, round(0.15 * size)) for size in sizes]


def test_a_part_of_the_training_rows_is_a_fair_sample() -> None:
    classes = np.repeat([0, 1], 500)
    first = classes[divide_by_class(classes, ("a", "b"), BOTH, "digest")["train"][:100]]
    assert 30 < first.sum() < 70


@given(st.lists(st.integers(0, 12), min_size=12, max_size=80), st.booleans())
def test_groups_are_never_torn(groups: list[int], labelled: bool) -> None:
    array = np.array(groups)
    if len(np.unique(array)) < 3:
        with pytest.raises(DataError, match="groups cannot be divided"):
            divide_by_group(array, None, "digest")
        return
    classes = np.arange(len(array)) % 2 if labelled else None
    rows = divide_by_group(array, classes, "digest")
    assert_divided(rows, len(array))
    parts = [set(array[part].tolist()) for part in rows.values()]
    assert sum(map(len, parts)) == len(set(groups))


def test_of_the_ways_to_divide_groups_one_close_to_the_shares_is_taken() -> None:
    groups = np.repeat(np.arange(40), 10)
    classes = np.repeat(np.arange(40) % 4 == 0, 10).astype(int)
    rows = divide_by_group(groups, classes, "digest")
    assert 50 <= len(rows["test"]) <= 70
    assert all(0.15 <= classes[part].mean() <= 0.35 for part in rows.values())


def test_a_class_of_one_group_goes_to_training() -> None:
    rows = divide_by_group(np.arange(10), np.array([1] + [0] * 9), "digest")
    assert 0 in rows["train"]


@given(st.lists(st.integers(0, 1000), min_size=10, max_size=80, unique=True))
def test_the_future_is_never_in_training(times: list[int]) -> None:
    array = np.array(times)
    rows = divide_by_time(array)
    assert_divided(rows, len(array))
    assert array[rows["train"]].max() < array[rows["validation"]].min()
    assert array[rows["validation"]].max() < array[rows["test"]].min()


def test_one_instant_is_never_torn() -> None:
    times = np.repeat([1, 2, 3, 4], 5)
    rows = divide_by_time(times)
    parts = [set(times[part].tolist()) for part in rows.values()]
    assert sum(map(len, parts)) == 4


@pytest.mark.parametrize("times", [[1] * 20, [1] * 10 + [2] * 10, [1, 2]])
def test_too_few_instants_are_refused(times: list[int]) -> None:
    with pytest.raises(DataError, match="too few distinct values"):
        divide_by_time(np.array(times))


def test_too_few_examples_are_refused_by_name_and_count() -> None:
    with pytest.raises(DataError, match="2 examples cannot be divided"):
        divide(2, BOTH, "digest")
    with pytest.raises(DataError, match=r"classes 'rare' \(2\): each needs at least 3"):
        divide_by_class(np.array([0] * 9 + [1] * 2), ("often", "rare"), BOTH, "digest")
    with pytest.raises(DataError, match=r"0 \(1\), 1 \(1\).* and 1 more: each needs at least 2"):
        divide_by_class(np.arange(9), tuple(range(9)), ("validation",), "digest")
