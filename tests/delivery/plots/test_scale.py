import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromosaic.delivery.plots.labels import Box, Labels
from neuromosaic.delivery.plots.scale import Scale, short

numbers = st.floats(1e-6, 1e9)


@given(numbers, numbers, st.integers(3, 9), st.booleans())
def test_ticks_are_few_round_and_within(one: float, other: float, most: int, log: bool) -> None:
    low, high = sorted((one, other))
    if high / low < 1.001:
        high = 2 * low
    scale = Scale(low, high, 0, 100, log)
    ticks = scale.ticks(most)
    assert len(ticks) <= most
    assert ticks == sorted(set(ticks))
    little = 1e-6 * (high - low)
    assert all(low - little <= tick <= high + little for tick in ticks)


def test_places_run_from_start_to_end() -> None:
    down, log = Scale(0, 10, 100, 20), Scale(1, 100, 0, 50, log=True)
    assert (down.at(0), down.at(10), down.at(5)) == (100, 20, 60)
    assert (log.at(1), round(log.at(10), 6), log.at(100)) == (0, 25, 50)
    assert down.holds(10)
    assert not down.holds(10.1)


@pytest.mark.parametrize(
    ("value", "said"), [(20_000, "20k"), (1_500_000, "1.5M"), (2e9, "2G"), (0.25, "0.25"), (0, "0"), (999, "999")]
)
def test_values_are_short(value: float, said: str) -> None:
    assert short(value) == said


def test_labels_never_cover_each_other() -> None:
    labels = Labels(Box(0, 0, 300, 200))
    placed = [labels.place(150, 100, 80, (60, 140)) for _ in range(40)]
    boxes = [box for box in placed if box]
    assert len(boxes) > 4
    assert None in placed
    assert all(box.within(labels.plot) for box in boxes)
    assert not any(one.meets(other) for place, one in enumerate(boxes) for other in boxes[:place])
