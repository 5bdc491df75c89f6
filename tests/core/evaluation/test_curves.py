"""The end of a curve, told by the ends of others."""

from typing import Any

import numpy as np
import pytest

from neuromosaic.core.errors import UsageError
from neuromosaic.core.evaluation.curves import CurveForecast
from neuromosaic.core.evaluation.signals import spearman

STEPS, SEEN = 30, 8


def drawn(number: int, count: int) -> Any:
    """Noisy power laws, which end at other places than they are at when they are looked at."""
    draw = np.random.default_rng(number)
    end, rise, rate = draw.uniform(0.5, 1, count), draw.uniform(0.2, 0.8, count), draw.uniform(0.3, 1.5, count)
    clean = end[:, None] - rise[:, None] * np.arange(1, STEPS + 1) ** -rate[:, None]
    return clean + 0.005 * draw.normal(size=clean.shape)


def test_the_end_lies_inside_as_often_as_it_is_said() -> None:
    covered, told = [], []
    for number in range(6):
        others = drawn(1000 + number, 100)
        found = CurveForecast(drawn(number, 40), SEEN, level=0.8).predict(others)
        covered.append(np.mean((found.low <= others[:, -1]) & (others[:, -1] <= found.high)))
        told.append(spearman(found.median.tolist(), others[:, -1].tolist()))
        assert (found.low <= found.median).all()
        assert (found.median <= found.high).all()
    assert 0.72 <= np.mean(covered) <= 0.92
    assert np.mean(told) > 0.85


def test_it_foretells_the_rise_that_is_still_to_come() -> None:
    others = drawn(5, 200)
    found = CurveForecast(drawn(4, 60), SEEN).predict(others)
    truth = others[:, -1]
    assert np.abs(found.median - truth).mean() < 0.5 * np.abs(others[:, SEEN - 1] - truth).mean()


def test_what_comes_later_is_not_looked_at_and_the_same_curves_tell_the_same() -> None:
    known, others = drawn(0, 20), drawn(1, 5)
    whole = CurveForecast(known, SEEN).predict(others)
    again = CurveForecast(known, SEEN).predict(others[:, :SEEN])
    assert all(one.tolist() == other.tolist() for one, other in zip(whole, again, strict=True))


def test_one_curve_out_of_all_bounds_misleads_nobody() -> None:
    known, others = drawn(0, 40), drawn(1, 50)
    plain = CurveForecast(known, SEEN).predict(others).median
    known[3, SEEN:] = -1e9
    assert np.abs(CurveForecast(known, SEEN).predict(others).median - plain).max() < 0.1


@pytest.mark.parametrize(
    ("curves", "seen", "fault"),
    [
        (drawn(0, 9), SEEN, "10 finished curves or more, not 9"),
        (drawn(0, 12), STEPS, "are not a part"),
        (drawn(0, 12), 0, "are not a part"),
        (np.full((12, 5), np.nan), 2, "finite"),
        ([1.0, 2.0], 1, "of one length"),
    ],
)
def test_what_teaches_nothing_is_refused(curves: Any, seen: int, fault: str) -> None:
    with pytest.raises(UsageError, match=fault):
        CurveForecast(curves, seen)


def test_a_curve_that_is_too_short_is_refused() -> None:
    with pytest.raises(UsageError, match="8 values of each are needed, not 3"):
        CurveForecast(drawn(0, 12), SEEN).predict([[0.1, 0.2, 0.3]])
