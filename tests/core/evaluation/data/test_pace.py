"""The time that a brief speaks of, in rows of the data."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromosaic.core.brief import TensorSpec
from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data import Dataset
from neuromosaic.core.evaluation.data.pace import SECONDS, lasting, pace

Load = Callable[..., Dataset]
START = np.datetime64("2024-01-01T00:00", "s")


@pytest.fixture
def table(csv: Callable[..., Path]) -> Callable[..., Path]:
    """A wave a row, so many minutes apart, some rows left out."""

    def write(minutes: int, without: range = range(0)) -> Path:
        rows = [
            f"{START + np.timedelta64(minutes * step, 'm')},{np.sin(step / 4):.6f}"
            for step in range(400)
            if step not in without
        ]
        return csv("\n".join(["when,load", *rows]))

    return write


def asked(load: Load, path: Path, past: int, horizon: int, step: str | None) -> Dataset:
    return load(
        path, target="load", time="when", task="forecasting", step=step,
        input=TensorSpec(shape=(past,)), output=TensorSpec(shape=(horizon,)),
    )  # fmt: skip


def test_hours_are_as_many_rows_as_the_dates_say(load: Load, table: Callable[..., Path]) -> None:
    dataset = asked(load, table(15), past=12, horizon=3, step="hour")
    assert dataset.contract.input.shape == (48, 1)
    assert dataset.contract.output.shape == (12,)
    assert any("15 minutes apart" in note for note in dataset.notes)


def test_steps_are_rows(load: Load, table: Callable[..., Path]) -> None:
    assert asked(load, table(15), past=12, horizon=3, step=None).contract.output.shape == (3,)


def test_a_horizon_shorter_than_a_row_is_refused(load: Load, table: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match=r"the horizon of 10 minutes is no whole number of rows .* 1 hour apart"):
        asked(load, table(60), past=600, horizon=10, step="minute")


def test_without_dates_a_unit_is_a_row_and_that_is_said(load: Load, csv: Callable[..., Path]) -> None:
    path = csv("\n".join(["when,load", *(f"{step},{np.sin(step / 4):.6f}" for step in range(400))]))
    dataset = asked(load, path, past=12, horizon=3, step="hour")
    assert dataset.contract.output.shape == (3,)
    assert any("is taken for one hour" in note for note in dataset.notes)


def test_missing_rows_are_told(load: Load, table: Callable[..., Path]) -> None:
    dataset = asked(load, table(60, without=range(100, 103)), past=12, horizon=3, step="hour")
    assert any("rows are missing in one place" in note for note in dataset.notes)


def test_times_that_stand_still_or_are_numbers_have_no_pace() -> None:
    assert pace(None) is None
    assert pace(np.arange(9)) is None
    assert pace(np.full(9, START)) is None


@given(st.sampled_from([*SECONDS][:5]), st.integers(1, 6))
def test_a_time_that_is_said_is_as_long_as_it_was(unit: str, count: int) -> None:
    said, name = lasting(count * SECONDS[unit]).split()
    assert int(said) * SECONDS[name.removesuffix("s")] == count * SECONDS[unit]


def test_a_time_without_a_unit_is_in_seconds() -> None:
    assert lasting(0.5) == "0.5 seconds"
    assert lasting(31 * 86_400.0) == "1 month"
