"""The examples in the docstrings of the search run."""

import doctest
from importlib import import_module

import pytest

MODULES = (
    "execution.catalogue", "execution.sequential", "search.objectives", "search.pareto", "search.pruners.catalogue",
    "search.study",
)  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples_run(name: str) -> None:
    found = doctest.testmod(import_module(f"neuromosaic.core.{name}"))
    assert found.attempted
    assert not found.failed
