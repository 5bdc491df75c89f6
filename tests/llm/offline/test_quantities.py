"""Numbers as people write them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromosaic.core.errors import BriefError
from neuromosaic.llm.offline.quantities import NUMBER, number, whole


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("20k", 20_000), ("20K", 20_000), ("0.2M", 200_000), ("200,000", 200_000), ("2e5", 200_000),
        ("2E5", 200_000), ("200_000", 200_000), ("200 000", 200_000), ("200'000", 200_000),
        ("1.5 million", 1_500_000), ("3 thousand", 3_000), ("2 billion", 2e9), ("ten", 10), ("Twenty", 20),
        ("five hundred", 500), ("two dozen", 24), ("0.95", 0.95), (".5", 0.5), ("2,5", 2.5), ("1,234,567", 1_234_567),
        ("1,234.5", 1234.5), ("0", 0), ("-0", 0), ("7", 7), ("1e-3", 0.001), ("2 millions", 2e6),
    ],
)  # fmt: skip
def test_a_number_has_the_value_it_is_read_with(text: str, value: float) -> None:
    assert re.fullmatch(NUMBER, text, re.IGNORECASE)
    assert number(text) == value


@given(st.integers(0, 10**12))
def test_any_integer_comes_back_with_and_without_separators(value: int) -> None:
    assert number(str(value)) == number(f"{value:,}") == number(f"{value:_}") == value


@pytest.mark.parametrize("text", ["-5", "-0.1M", "-ten"])
def test_a_negative_number_is_refused_by_name(text: str) -> None:
    with pytest.raises(BriefError, match=r"parameters: .* is negative"):
        number(text, "parameters")


def test_a_fraction_is_no_whole_number() -> None:
    with pytest.raises(BriefError, match=r"trials: '2.5' is no whole number"):
        whole("2.5", "trials")


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(BriefError, match="'many' is no number"):
        number("many")
