"""The examples in the docstrings run."""

import doctest
from importlib import import_module

import pytest

MODULES = ["space", "annotated", "topology", "ready"]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name) -> None:
    found = doctest.testmod(import_module(f"neuromosaic.core.space.{name}"))
    assert found.attempted > 0
    assert found.failed == 0
