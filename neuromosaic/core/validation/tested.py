"""Gate "test": TestArchitect's suite on a candidate."""

from neuromosaic.core.errors import CandidateError, WorkerError
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.protocols import Program, Sandbox, SuiteOutcome, Verdict
from neuromosaic.core.role_inputs import Finding
from neuromosaic.core.validation.faults import LONGEST, fault
from neuromosaic.core.validation.suite_on_graph import suite_on_graph

GATE = "test"
TOLD = 10
"""So many failed tests are told one by one."""


def check_tests(
    suite: str, program: Program, graph: Graph | None, sandbox: Sandbox, timeout: float = 120.0
) -> Verdict:
    """The suite on the Python, where it must be green; then on the graph, where it has one.

    Where the two disagree that is a warning: a test of inner layers cannot pass on a graph, and Python that fools
    its tests cannot either. Raises InfrastructureError where the machine failed.
    """
    try:
        outcome = sandbox.test(suite, program, timeout)
    except (CandidateError, WorkerError) as error:
        return Verdict(GATE, (fault(GATE, error),))
    if not outcome.green:
        return Verdict(GATE, tuple(_failures(outcome)))
    return Verdict(GATE, _disagreement(suite, outcome, graph, sandbox, timeout) if graph else ())


def _failures(outcome: SuiteOutcome) -> list[Finding]:
    failed = [name for name, state in outcome.outcomes.items() if state in ("failed", "error")]
    if not failed:
        return [_finding("no-test-passed", "every test of the suite was skipped: a network must pass at least one")]
    told = [_finding("test-failed", _failure(name, outcome)) for name in failed[:TOLD]]
    rest = failed[TOLD:]
    return told + ([_finding("test-failed", f"{len(rest)} more tests failed: {', '.join(rest)}")] if rest else [])


def _failure(name: str, outcome: SuiteOutcome) -> str:
    if name == "collection":
        return f"the suite could not be collected with this model.py: {outcome.messages.get(name, 'no reason given')}"
    return f"{name} {outcome.outcomes[name]}: {outcome.messages.get(name, 'no reason given')}"


def _disagreement(
    suite: str, on_python: SuiteOutcome, graph: Graph, sandbox: Sandbox, timeout: float
) -> tuple[Finding, ...]:
    try:
        on_graph = suite_on_graph(suite, graph, sandbox, timeout)
    except (CandidateError, WorkerError) as error:
        message = f"the suite could not be run on the exported graph: {fault(GATE, error).message}"
        return (_finding("suite-disagrees", message, "warning"),)
    names = [name for name in on_python.outcomes if on_graph.outcomes.get(name) != on_python.outcomes[name]]
    if not names:
        return ()
    message = f"on the exported graph these tests come out differently than on the Python: {', '.join(names)}"
    return (_finding("suite-disagrees", message, "warning"),)


def _finding(code: str, message: str, severity: str = "error") -> Finding:
    return Finding.model_validate({"gate": GATE, "code": code, "message": message[:LONGEST], "severity": severity})
