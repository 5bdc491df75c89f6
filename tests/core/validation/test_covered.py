"""What a suite comes through of a network, run where proposed code runs."""

import pytest

from neuromosaic.core.errors import CandidateError
from neuromosaic.core.protocols import Job, Message, Program, Sandbox
from neuromosaic.core.validation.covered import in_words, run_covering
from neuromosaic.core.workers.coverage import Coverage

MODEL = """import torch
from torch import nn


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            x = x + 1
        return self.layer(x)
"""
SUITE = """import torch
from model import Model


def test_shape() -> None:
    assert Model().{mode}()(torch.zeros(3, 4)).shape == (3, 2)
"""


def test_a_branch_that_no_test_takes_is_told(sandbox: Sandbox) -> None:
    program = Program(MODEL, {}, seed=0)
    outcome, covered = run_covering(SUITE.format(mode="eval"), program, sandbox)
    assert outcome.green
    assert covered.missed == (11, 12)
    assert covered.share == pytest.approx(10 / 12)
    told = in_words(covered, MODEL)
    assert told.endswith("83 % of the statements and branches of model.py: not through line 11 `if self.training:`")


def test_a_suite_that_cannot_be_run_covers_little(sandbox: Sandbox) -> None:
    outcome, covered = run_covering("import nonesuch\n", Program(MODEL, {}, seed=0), sandbox)
    assert "collection" in outcome.outcomes
    assert covered.share < 0.7


@pytest.mark.parametrize("body", [{}, {"outcomes": {}, "messages": {}, "coverage": {"covered": "much"}}])
def test_an_answer_that_is_none_is_told(body: dict[str, object]) -> None:
    class Forged:
        def run(self, job: Job) -> Message:
            return Message(body)

    with pytest.raises(CandidateError, match="outcome cannot be read"):
        run_covering(SUITE, Program(MODEL, {}, seed=0), Forged())  # type: ignore[arg-type]


def test_long_lists_of_lines_are_cut() -> None:
    source = "x = 1\n" * 60
    told = in_words(Coverage(0, 30, tuple(range(1, 60, 2))), source)
    assert told.endswith("line 11 `x = 1`, ...")
    assert len(told) < 400  # what a prompt quotes of a finding
    whole = in_words(Coverage(9, 9, ()), source)
    assert whole == "the suite comes through 100 % of the statements and branches of model.py"
