"""Judging TestArchitect's suite: it must fail on hollow stubs before it may judge a network (red)."""

from neuromosaic.core.brief import Contract
from neuromosaic.core.errors import CandidateError, WorkerError
from neuromosaic.core.protocols import Program, Sandbox, SuiteOutcome, Verdict
from neuromosaic.core.role_inputs import Finding
from neuromosaic.core.validation.faults import fault
from neuromosaic.core.validation.mutation import MutantReport, MutantRow, kill_mutants
from neuromosaic.core.validation.stubs import stub_source, stubs

__all__ = ["MutantReport", "MutantRow", "green", "kill_mutants", "red", "stub_source", "stubs"]

GATE = "red"
FEWEST_TESTS = 3


def red(suite: str, sandbox: Sandbox, contract: Contract, timeout: float = 120.0) -> Verdict:
    """The suite can be collected, has at least three tests, and fails on every stub.

    Figures: "tests", and "failed on NAME" per stub. Raises InfrastructureError where the machine failed.
    """
    findings: list[Finding] = []
    figures: dict[str, float] = {}
    for name, source in stubs(contract).items():
        try:
            outcome = sandbox.test(suite, Program(source, {}, seed=0), timeout)
        except (CandidateError, WorkerError) as error:
            return Verdict(GATE, (fault(GATE, error),), figures)
        if "collection" in outcome.outcomes:
            return Verdict(GATE, (_not_collectable(outcome),), figures)
        findings += _green_on_stub(name, outcome)
        figures |= {"tests": len(outcome.outcomes), f"failed on {name}": len(_failed(outcome))}
    return Verdict(GATE, (*_too_few(figures["tests"]), *findings), figures)


def green(outcome: SuiteOutcome) -> bool:
    """At least one test passed and none failed or broke."""
    return outcome.green


def _failed(outcome: SuiteOutcome) -> list[str]:
    return [name for name, state in outcome.outcomes.items() if state in ("failed", "error")]


def _not_collectable(outcome: SuiteOutcome) -> Finding:
    reason = outcome.messages.get("collection", "no reason given")
    message = f"pytest cannot collect the suite: {reason}; it must run with nothing but torch, pytest and model.py"
    return Finding(gate=GATE, code="suite-not-collectable", message=message)


def _green_on_stub(name: str, outcome: SuiteOutcome) -> list[Finding]:
    if _failed(outcome):
        return []
    message = f"the suite passes on a hollow Model that {name}: add a test that only a real network can pass"
    return [Finding(gate=GATE, code="green-on-stub", message=message)]


def _too_few(tests: float) -> list[Finding]:
    if tests >= FEWEST_TESTS:
        return []
    message = f"the suite has {tests:.0f} tests: write at least {FEWEST_TESTS}, one property each"
    return [Finding(gate=GATE, code="too-few-tests", message=message)]
