"""What most jobs import is imported once, before they are forked."""

from neuromosaic.core.protocols import Program
from neuromosaic.core.sandbox.process import ProcessSandbox
from neuromosaic.core.workers.boundary import can_fork

LOOKS = """import sys

from torch import nn


class Model(nn.Linear):
    def __init__(self) -> None:
        super().__init__(2, 2)
        self.known = "wave" in sys.modules
"""
SUITE = """from model import Model


def test_it_is_there() -> None:
    assert Model().known
"""


def test_a_job_finds_the_libraries_imported_and_those_that_are_missing_do_no_harm() -> None:
    sandbox = ProcessSandbox(libraries=["no_such_library", "wave"])
    try:
        outcome = sandbox.test(SUITE, Program(LOOKS, {}, seed=0))
    finally:
        sandbox.close()
    assert outcome.outcomes == {"test_it_is_there": "passed" if can_fork() else "failed"}
