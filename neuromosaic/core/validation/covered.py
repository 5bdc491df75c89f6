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


MOST, WIDEST = 6, 50
"""Untried places that are quoted, and characters of each."""


def in_words(coverage: Coverage, source: str) -> str:
    """One sentence about it, which quotes where the lines begin that were not wholly come through.

    >>> in_words(Coverage(2, 4, (1, 2)), "if width:\\n    depth = 2\\n")
    'the suite comes through 50 % of the statements and branches of model.py: not through line 1 `if width:`'
    """
    told = f"the suite comes through {100 * coverage.share:.0f} % of the statements and branches of model.py"
    lines = source.splitlines()
    first = [number for number in coverage.missed if number - 1 not in coverage.missed]
    quoted = ", ".join(f"line {number} `{lines[number - 1].strip()[:WIDEST]}`" for number in first[:MOST])
    return told + (f": not through {quoted}" if quoted else "") + (", ..." if len(first) > MOST else "")
