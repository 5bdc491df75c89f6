"""The suite and the code that is delivered: what no test runs is not tested, so TestArchitect mends it once."""

import hashlib
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from neuromosaic.core.errors import CandidateError, ModelClientError, WorkerError
from neuromosaic.core.proposals import SuiteProposal
from neuromosaic.core.protocols import Program, SuiteOutcome
from neuromosaic.core.role_inputs import Finding
from neuromosaic.core.validation.covered import SHARE, in_words, run_covering
from neuromosaic.core.workers.coverage import Coverage
from neuromosaic.workflows.bench import Workbench
from neuromosaic.workflows.candidates import Candidate, family_of, model_source
from neuromosaic.workflows.gathering import face_mutants, tell_mutants
from neuromosaic.workflows.planning import ask_for_suite, passing_stubs

CODE = "code-untried"


class Tried(NamedTuple):
    """What a suite says of a delivered model.py, and what it came through of it."""

    outcome: SuiteOutcome
    coverage: Coverage


def cover(bench: Workbench, candidates: Sequence[Candidate]) -> None:
    """Has the suite mended, once, where it leaves more than a tenth of a candidate's model.py untried."""
    bench.once("covering", lambda: _cover(bench, {candidate.id: candidate for candidate in candidates}))


def tried(bench: Workbench, candidate: Candidate, suite: str) -> Tried:
    """Runs the suite on what would be delivered, once for each suite. Raises as `run_covering` does."""
    mark = hashlib.sha256(suite.encode()).hexdigest()[:16]
    kept = bench.once(f"tried/{candidate.id}/{mark}", partial(_try, bench, candidate, suite))
    covered, possible, missed = kept["coverage"]
    return Tried(SuiteOutcome(**kept["outcome"]), Coverage(covered, possible, tuple(missed)))


def _try(bench: Workbench, candidate: Candidate, suite: str) -> dict[str, object]:
    program = Program(model_source(bench, candidate), {}, bench.brief.seed)
    outcome, coverage = run_covering(suite, program, bench.sandbox)
    return {"outcome": vars(outcome), "coverage": list(coverage)}


def _cover(bench: Workbench, candidates: dict[str, Candidate]) -> dict[str, object]:
    """{"suite"} that counts; where it is a new one that faced mutants also what became of them."""
    suite = bench.suite
    lacking = [finding for one in candidates.values() if (finding := _lacking(bench, one, suite))]
    if not lacking:
        return {"suite": suite}
    bench.tell("suite.covering", findings=[finding.model_dump(mode="json") for finding in lacking])
    if not _is_over(bench) and (better := _mended(bench, candidates, suite, tuple(lacking))):
        return better
    told = "; ".join(finding.message for finding in lacking)
    bench.tell("note", text=f"{told}.")
    return {"suite": suite}


def _lacking(bench: Workbench, candidate: Candidate, suite: str) -> Finding | None:
    """Nothing where the code cannot be run: its certificate says so."""
    try:
        coverage = tried(bench, candidate, suite).coverage
    except (CandidateError, WorkerError):
        return None
    if coverage.share >= SHARE:
        return None
    told = f"{candidate.name}: {in_words(coverage, model_source(bench, candidate))}"
    return Finding(gate="coverage", code=CODE, message=told, line=coverage.missed[0])


def _is_over(bench: Workbench) -> bool:
    """What is trained is delivered, whatever else might be made better."""
    return bench.look_for_stop() or bench.seconds_left() == 0


def _mended(
    bench: Workbench, candidates: dict[str, Candidate], suite: str, lacking: tuple[Finding, ...]
) -> dict[str, object] | None:
    """TestArchitect's new suite where it is better; a run does not end for want of one."""
    try:
        mended = ask_for_suite(bench, "suite/covering", SuiteProposal(source=suite), lacking)
    except ModelClientError as error:
        bench.tell("note", text=f"The test suite could not be mended: {error}")
        return None
    if mended.source == suite or not _is_better(bench, candidates, suite, mended):
        return None
    noticed = _notices_as_much(bench, mended.source)
    return None if noticed is None else {"suite": mended.source, **noticed}


def _is_better(bench: Workbench, candidates: dict[str, Candidate], before: str, mended: SuiteProposal) -> bool:
    """Red on hollow stubs, green on all that is to be delivered, and through more of its code."""
    if passing_stubs(bench, mended):
        return False
    try:
        old = [tried(bench, one, before) for one in candidates.values()]
        new = [tried(bench, one, mended.source) for one in candidates.values()]
    except (CandidateError, WorkerError):
        return False
    return all(one.outcome.green for one in new) and _least(new) > _least(old)


def _least(several: Sequence[Tried]) -> float:
    return min(one.coverage.share for one in several)


def _notices_as_much(bench: Workbench, suite: str) -> dict[str, object] | None:
    """Its mutants, where the suite before it faced any; None where it lets more of them pass."""
    faced = bench.store.step(bench.run, "mutants")
    if "family" not in faced:
        return {}
    family = family_of(bench, faced["family"])
    report = face_mutants(bench, family, suite)
    if report is None or report.survived > sum(row["fate"] == "survived" for row in faced["rows"]):
        return None
    return tell_mutants(bench, family, report)
