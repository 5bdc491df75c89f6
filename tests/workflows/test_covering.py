"""The suite comes through the code that is delivered, or is mended, or the report says what it leaves."""

from pathlib import Path
from typing import TypeVar

import pytest
from pydantic import BaseModel

from neuromosaic.core.errors import ReplyError
from neuromosaic.core.proposals import FamilyProposal, Request, SuiteProposal
from neuromosaic.core.role_inputs import Finding, SuiteInputs
from neuromosaic.core.store.store import Event
from neuromosaic.workflows.bench import mutants_of, suite_of
from tests.frugal_model import MODEL, SUITE, Frugal
from tests.small_runs import Finished, design, iris

T = TypeVar("T", bound=BaseModel)

SOAK = pytest.mark.soak
GATED = (
    MODEL.format(hidden=6, bend="tanh")
    .replace("hidden: int = 6", "hidden: int = 6, gated: bool = False")
    .replace(
        "self.outer = nn.Linear(hidden, 3)",
        "self.outer = nn.Linear(hidden, 3)\n        self.gate = None\n        if gated:\n"
        "            width = hidden\n            self.gate = nn.Linear(4, width)",
    )
    .replace(
        "        return", "        if self.gate is not None:\n            x = x * self.gate(x).mean()\n        return"
    )
)
OPTION = '''

def test_the_gate() -> None:
    """What was not chosen works as well."""
    for value in (False, True) if Model.__init__.__annotations__.get("gated") is bool else ():
        assert Model(gated=value)(torch.randn(3, 4)).shape == (3, 3)
'''
BLIND = SUITE[SUITE.index("import torch") : SUITE.index("def test_each_row")] + "".join(
    f"def test_{number}() -> None:\n    assert outputs({number}).shape == ({number}, 3)\n\n\n" for number in (2, 3)
)
"""A suite that notices less: nothing but shapes."""


class Mends(Frugal):
    """Proposes a network with a switch that its first suite never turns."""

    name = "mends"
    mended = SUITE + OPTION

    def ask(self, request: Request[T]) -> T:
        if request.reply is FamilyProposal:
            proposal = super().ask(request)
            return proposal.model_copy(update={"source": GATED})
        if isinstance(request.inputs, SuiteInputs) and any(f.gate == "coverage" for f in request.inputs.findings):
            return self.suite(request.inputs.findings)  # type: ignore[return-value]
        return super().ask(request)

    def suite(self, findings: tuple[Finding, ...]) -> SuiteProposal:
        assert "if gated:" in findings[0].message
        return SuiteProposal(source=self.mended)


class Shrugs(Mends):
    name = "shrugs"
    mended = SUITE


class Breaks(Mends):
    """Its new suite fails on good networks."""

    name = "breaks"
    mended = SUITE + OPTION.replace("(3, 3)", "(3, 4)")


class Dulls(Mends):
    """Its new suite comes through more, and notices less."""

    name = "dulls"
    mended = BLIND + "def test_far() -> None:\n    assert (outputs(9)[0] != outputs(9)[1]).any()\n" + OPTION


class Silent(Mends):
    name = "silent"

    def suite(self, findings: tuple[Finding, ...]) -> SuiteProposal:
        raise ReplyError("nothing came")


def run(root: Path, client: type[Mends]) -> Finished:
    return Finished(root, design(root, iris(), models=(f"{__name__}:{client.__name__}",), approved=True))


def notes(events: list[Event]) -> str:
    return " ".join(event.data["text"] for event in events if event.kind == "note")


def test_a_suite_is_mended_for_the_code_that_is_delivered(tmp_path: Path) -> None:
    done = run(tmp_path, Mends)
    winner = done.results.winner
    assert winner is not None
    assert suite_of(done.store, done.results.run) == Mends.mended
    assert winner.coverage is not None
    assert winner.coverage >= 0.9
    assert done.store.evidence(winner.evidence["coverage"])["coverage"]["share"] == pytest.approx(
        winner.coverage, abs=1e-4
    )
    assert "test_the_gate" in (tmp_path / "out" / "test_model.py").read_text()
    assert mutants_of(done.store, done.results.run)["rows"]
    assert "suite.covering" in done.kinds()
    assert "comes through" in (tmp_path / "out" / "card.md").read_text()


@pytest.mark.parametrize("client", [Shrugs, pytest.param(Breaks, marks=SOAK), pytest.param(Silent, marks=SOAK)])
def test_a_suite_that_is_no_better_does_not_count_and_the_run_goes_on(tmp_path: Path, client: type[Mends]) -> None:
    done = run(tmp_path, client)
    assert suite_of(done.store, done.results.run) == SUITE
    assert done.results.winner is not None
    assert done.results.winner.coverage is not None
    assert done.results.winner.coverage < 0.9
    assert "% of the statements and branches of model.py: not through line" in notes(done.events)


@SOAK
def test_a_suite_that_notices_less_does_not_count(tmp_path: Path) -> None:
    done = run(tmp_path, Dulls)
    assert suite_of(done.store, done.results.run) == SUITE
