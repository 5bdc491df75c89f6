"""An interval that covers, and a test that does not cry wolf: tried on data whose truth is known."""

import doctest

import numpy as np
import pytest

from neuromosaic.core.errors import UsageError
from neuromosaic.core.evaluation import comparison
from neuromosaic.core.evaluation.comparison import difference, estimate, example_scores

ROUNDS = 400


def drawn(number: int, seeds: int, examples: int, by_seed: float, by_example: float, rest: float = 1.0) -> np.ndarray:
    """Scores whose true mean is 0."""
    draw = np.random.default_rng(number)
    return (
        by_seed * draw.normal(size=(seeds, 1))
        + by_example * draw.normal(size=(1, examples))
        + rest * draw.normal(size=(seeds, examples))
    )


@pytest.mark.parametrize(
    ("seeds", "examples", "by_seed", "by_example"), [(5, 200, 0.3, 0.5), (3, 100, 1.0, 1.0), (5, 100, 0.0, 0.0)]
)
def test_the_interval_covers_the_truth_as_often_as_it_says(
    seeds: int, examples: int, by_seed: float, by_example: float
) -> None:
    found = [estimate(drawn(number, seeds, examples, by_seed, by_example)) for number in range(ROUNDS)]
    covered = sum(one.low <= 0 <= one.high for one in found) / ROUNDS
    assert 0.92 <= covered <= 1.0
    assert sum(one.p < 0.05 for one in found) / ROUNDS == pytest.approx(1 - covered)


def test_one_lucky_seed_is_no_better_network() -> None:
    """What a test over the examples alone takes for a difference in more than half of all cases."""
    tables = [drawn(number, 4, 400, 0.3, 0.2) for number in range(ROUNDS)]
    naive = sum(estimate(table[:1]).p < 0.05 for table in tables) / ROUNDS
    assert naive > 0.4
    assert sum(estimate(table).p < 0.05 for table in tables) / ROUNDS < 0.08


def test_a_true_difference_is_found() -> None:
    one = drawn(0, 5, 300, 0.1, 1.0)
    found = difference(one + 0.5 + 0.1 * drawn(1, 5, 300, 0, 0), one)
    assert found.low < 0.5 < found.high
    assert found.p < 1e-6
    assert (found.seeds, found.examples) == (5, 300)
    assert difference(one, one) == (0, 0, 0, 1, 5, 300)


def test_pairs_are_worth_more_than_two_samples() -> None:
    common = drawn(3, 3, 200, 0, 2.0)
    one, other = common + 0.2, common + 0.1 * drawn(4, 3, 200, 0, 0)
    assert difference(one, other).p < 1e-3
    assert estimate(one).low < estimate(other).high


def test_of_one_seed_the_examples_alone_are_known() -> None:
    found = estimate([[0.0, 1.0, 1.0, 0.0]])
    assert found.mean == 0.5
    assert "one seed (others may differ)" in str(found)


@pytest.mark.parametrize("scores", [[1.0, 2.0], [[1.0]], [[1.0, float("nan")]], []])
def test_what_is_no_table_is_refused(scores: list[object]) -> None:
    with pytest.raises(UsageError, match=r"\[seeds, examples\]"):
        estimate(scores)


def test_other_shapes_are_no_pairs() -> None:
    with pytest.raises(UsageError, match="a pair for each"):
        difference([[1.0, 2.0]], [[1.0, 2.0, 3.0]])


def test_scores_of_each_example() -> None:
    outputs = np.array([[2.0, 1.0], [0.0, 1.0]], dtype=np.float32)
    assert example_scores("classification", outputs, np.array([0, 0])).tolist() == [1, 0]
    assert example_scores("regression", outputs, np.zeros((2, 2))).tolist() == [-2.5, -0.5]
    tokens = example_scores("language_modelling", np.zeros((3, 4, 8), dtype=np.float32), np.zeros((3, 4), np.int64))
    assert tokens == pytest.approx([-np.log(8)] * 3)


def test_the_example_of_the_docstring() -> None:
    assert doctest.testmod(comparison).failed == 0
