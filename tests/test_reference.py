"""The reference pages are what the code says."""

from pathlib import Path

import pytest

from docs.reference import pages

DOCS = Path(__file__).parents[1] / "docs"


@pytest.mark.parametrize("name", ["operations.md", "reference.md"])
def test_a_reference_page_is_as_the_code_says(name: str) -> None:
    assert (DOCS / name).read_text() == pages()[name], "write it anew with `python docs/reference.py`"
