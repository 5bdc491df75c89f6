"""Forecasts in words: how far ahead, from how far back, in which unit of time."""

import pytest

from neuromosaic.core.brief import Brief
from neuromosaic.core.errors import BriefError
from neuromosaic.core.proposals import BriefDraft
from neuromosaic.core.role_inputs import BriefInputs
from neuromosaic.llm.offline.reading import read_brief

Shape = tuple[int, ...] | None


def read(sentence: str, **known: str) -> BriefDraft:
    return read_brief(BriefInputs(sentence=sentence, known=Brief(**known)))


def lengths(draft: BriefDraft) -> tuple[Shape, Shape, str | None]:
    brief = draft.brief
    return brief.input and brief.input.shape, brief.output and brief.output.shape, brief.step


@pytest.mark.parametrize(
    ("sentence", "past", "horizon", "step"),
    [
        ("forecast the next 12 hours from the last 48 hours", (48,), (12,), "hour"),
        ("forecast the next 12 hours from the last 48", (48,), (12,), "hour"),
        ("forecast the load of the next 24 hours from the last 3 days", (72,), (24,), "hour"),
        ("forecast demand for the next week using the last 14 days", (14,), (7,), "day"),
        ("forecast sales for the coming quarter from the last 2 years", (8,), (1,), "quarter"),
        ("predict the temperature one hour ahead from the last day", (24,), (1,), "hour"),
        ("predict the next 3 values of a series", None, (3,), None),
        ("forecast demand 7 days ahead, mase at most 0.9", None, (7,), "day"),
        ("a 7-day forecast of sales", None, (7,), "day"),
        ("day-ahead price forecasting", None, (1,), "day"),
        ("forecast tomorrow's peak load from the last 14 days", (14,), (1,), "day"),
        ("time series forecasting from the past 20 steps", (20,), None, None),
        ("forecast my time series", None, None, None),
        ("time series forecasting with a horizon of 6, lookback 48", (48,), (6,), None),
    ],
)
def test_a_forecast_is_understood(sentence: str, past: Shape, horizon: Shape, step: str | None) -> None:
    draft = read(sentence)
    assert draft.brief.task == "forecasting"
    assert lengths(draft) == (past, horizon, step)
    assert draft.not_understood == ()


def test_hours_ahead_are_no_budget_and_minutes_to_spend_are() -> None:
    draft = read("train for 10 minutes to forecast the next 24 hours")
    assert draft.brief.budget.seconds == 600
    assert lengths(draft) == (None, (24,), "hour")
    assert draft.not_understood == ()


def test_the_next_days_of_a_table_with_a_column_of_times_are_forecast() -> None:
    draft = read("predict energy use over the next 24 hours", time="hour")
    assert draft.brief.task == "forecasting"
    assert lengths(draft) == (None, (24,), "hour")


def test_a_forecast_of_a_table_with_a_column_of_times_needs_no_length() -> None:
    assert read("forecast the load", time="hour").brief.task == "forecasting"
    assert read("forecast the load").brief.task == "regression"


def test_what_happens_in_the_next_days_to_the_rows_of_a_table_is_no_budget_and_is_told_back() -> None:
    draft = read("predict customer churn in the next 30 days")
    assert draft.brief.task is None
    assert draft.brief.budget.seconds is None
    assert draft.not_understood == ("30 days ahead (a forecast needs --time COLUMN)",)


def test_units_without_a_fixed_ratio_are_refused() -> None:
    with pytest.raises(BriefError, match="days and months have no fixed ratio: say past and horizon in one unit"):
        read("forecast the next 3 months from the last 90 days")


def test_the_history_of_a_language_model_is_no_past_of_a_series() -> None:
    draft = read("character language model with a history of 20 characters")
    assert draft.brief.task == "language_modelling"
    assert lengths(draft)[0] == (20,)
