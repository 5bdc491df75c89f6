"""Running TestArchitect's suite on a graph: in the sandbox, for the suite is proposed Python as well."""

from pydantic import TypeAdapter, ValidationError

from neuromosaic.core.errors import CandidateError
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.protocols import Job, Sandbox, SuiteOutcome

_OUTCOME = TypeAdapter(SuiteOutcome)


def suite_on_graph(suite: str, graph: Graph, sandbox: Sandbox, timeout: float = 120.0) -> SuiteOutcome:
    """The suite's `from model import Model` gives the rebuilt graph.

    Raises CandidateError where the answer is no outcome, and what `sandbox.run` raises.
    """
    body = sandbox.run(Job("test", graph, {"suite": suite}, timeout=timeout)).body
    try:
        return _OUTCOME.validate_python(body)
    except ValidationError:
        message = "the suite's outcome cannot be read: the tests may have written over it"
        raise CandidateError(message, "answer-unreadable") from None
