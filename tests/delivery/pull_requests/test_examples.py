"""The examples in the docstrings are true."""

import doctest

import pytest

from neuromosaic.delivery import material
from neuromosaic.delivery.pull_requests import formatting, git
from neuromosaic.delivery.pull_requests.forges import address


@pytest.mark.parametrize("module", [address, formatting, git, material])
def test_the_examples_hold(module: object) -> None:
    result = doctest.testmod(module)  # type: ignore[arg-type]
    assert result.attempted
    assert result.failed == 0
