"""Draws that are training examples are found, whatever is done to hide them a little; honest ones are not."""

import numpy as np
import pytest

from neuromosaic.core.evaluation.copies import copies

DRAW = np.random.default_rng(0)
KNOWN, HELD, ALIKE = (DRAW.standard_normal((count, 2, 5)) for count in (400, 150, 150))


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_handed_out_training_examples_are_found(noise: float) -> None:
    found = copies(KNOWN[:150] + noise * DRAW.standard_normal(ALIKE.shape), HELD, KNOWN)
    assert found is not None
    assert found.draws > 0.95
    assert found.held < 0.02
    assert found.suspicious


def test_a_few_among_many_are_counted() -> None:
    found = copies(np.concatenate([KNOWN[:30], ALIKE[:120]]), HELD, KNOWN)
    assert found is not None
    assert 0.19 < found.draws < 0.23
    assert found.suspicious


@pytest.mark.parametrize("draws", [ALIKE, 0.3 * ALIKE, np.zeros_like(ALIKE)])
def test_draws_of_ones_own_are_none_however_dull(draws: np.ndarray) -> None:
    found = copies(draws, HELD, KNOWN)
    assert found is not None
    assert not found.suspicious


def test_examples_that_repeat_in_the_data_are_no_fault_of_the_draws() -> None:
    few = np.round(KNOWN[:, :1, :2])  # a handful of values, again and again
    found = copies(few[:100], few[100:200], few)
    assert found is None or not found.suspicious


def test_too_few_examples_say_nothing() -> None:
    assert copies(ALIKE, HELD, KNOWN[:20]) is None


def test_in_few_dimensions_chance_is_no_suspicion() -> None:
    """Among many points of a plane some lie next to another, drawn or held out."""
    for seed in range(20):
        points = np.random.default_rng(seed).standard_normal((500, 2))
        found = copies(points[:100], points[100:200], points[200:])
        assert found is not None
        assert found.held > 0.1
        assert not found.suspicious
