"""What a worker's answer, or its failure, says of the candidate."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from neuromosaic.core.errors import CandidateError, WorkerError
from neuromosaic.core.protocols import Job, Judge, Sandbox, Verdict
from neuromosaic.core.role_inputs import Finding

LONGEST, MOST = 500, 20
"""Characters of a message, and findings of an answer, that are passed on: Python may flood what reads of it."""

ADVICE = {
    "timeout": "look for an endless loop, or for far too much work in one call",
    "memory": "make the layers or the intermediate tensors smaller",
    "crash": "the process died: take out whatever ends it",
}


def fault(gate: str, error: CandidateError | WorkerError) -> Finding:
    """The finding that an error stands for; a worker that could not be set up is nobody's fault: raised again."""
    if isinstance(error, CandidateError):
        return Finding(gate=gate, code=error.code, message=str(error), line=error.line, layer=error.layer)
    if error.cause not in ADVICE:
        raise error
    return Finding(gate=gate, code=error.cause, message=f"{error} ({ADVICE[error.cause]})")


def run_gate(gate: str, worker: Judge | Sandbox, job: Job, figures: Sequence[str]) -> Verdict:
    """The verdict of a job that answers {"findings": [...]} and the named figures.

    Figures may be missing only where something was found. Raises InfrastructureError where the machine failed.
    """
    try:
        body = worker.run(job).body
        findings = read_findings(gate, body)
        measured = read_figures(body, figures)
        if len(measured) < len(figures) and not findings:
            raise _unreadable(f"the figure {next(name for name in figures if name not in measured)!r} is missing")
    except (CandidateError, WorkerError) as error:
        return Verdict(gate, (fault(gate, error),))
    return Verdict(gate, findings, measured)


def read_findings(gate: str, body: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Of an answer that may have been forged: raises CandidateError where these are none."""
    try:
        findings = [Finding.model_validate({**finding, "gate": gate}) for finding in body.get("findings", ())]
        return tuple(finding.model_copy(update={"message": finding.message[:LONGEST]}) for finding in findings[:MOST])
    except (ValidationError, TypeError):
        raise _unreadable("its findings have another form") from None


def read_figures(body: Mapping[str, Any], names: Sequence[str]) -> dict[str, float]:
    """Those of the named figures that are there. Raises CandidateError for one that is no finite number from 0 up."""
    figures: dict[str, float] = {}
    for name in names:
        value = body.get(name)
        if value is None:
            continue
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < math.inf:
            raise _unreadable(f"the figure {name!r} is {str(value)[:40]!r}")
        figures[name] = float(value)
    return figures


def _unreadable(why: str) -> CandidateError:
    return CandidateError(f"the worker's answer cannot be used: {why}", "answer-unreadable")
