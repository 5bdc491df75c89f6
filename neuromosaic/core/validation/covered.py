"""How much of a network's code TestArchitect's suite comes through: code that no test runs is not tested."""

from pydantic import TypeAdapter, ValidationError

from neuromosaic.core.errors import CandidateError
from neuromosaic.core.protocols import Job, Program, Sandbox, SuiteOutcome
from neuromosaic.core.workers.coverage import Coverage

SHARE = 0.9
"""Of statements and branches, so much is to be come through."""

_OUTCOME, _COVERAGE = TypeAdapter(SuiteOutcome), TypeAdapter(Coverage)


def run_covering(
    suite: str, program: Program, sandbox: Sandbox, timeout: float = 240.0
) -> tuple[SuiteOutcome, Coverage]:
    """The suite's outcome on the program, and what it came through of the source.

    The sandbox says it, so that it may flatter a program that is out to deceive: a figure, never a gate.
    Raises CandidateError where the answer is none, and what `sandbox.run` raises.
    """
    body = dict(sandbox.run(Job("test", program, {"suite": suite, "coverage": True}, timeout=timeout)).body)
    try:
        return _OUTCOME.validate_python(
            {name: body[name] for name in ("outcomes", "messages")}
        ), _COVERAGE.validate_python(body["coverage"])
    except (ValidationError, KeyError):
        message = "the suite's outcome cannot be read: the tests may have written over it"
        raise CandidateError(message, "answer-unreadable") from None


def in_words(coverage: Coverage) -> str:
    """One sentence about it.

    >>> in_words(Coverage(27, 30, (12, 14)))
    'the suite comes through 90 % of the statements and branches of model.py; not wholly through lines 12, 14'
    """
    told = f"the suite comes through {coverage.share:.0%} of the statements and branches of model.py".replace(
        "%", " %"
    )
    missed = ", ".join(map(str, coverage.missed[:20])) + (", ..." if len(coverage.missed) > 20 else "")
    return told + (f"; not wholly through lines {missed}" if missed else "")
