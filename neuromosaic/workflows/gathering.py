"""After the seats: which families there are, and whether the suite can tell a broken one from a good one."""

from dataclasses import replace

from neuromosaic.core.brief import Constraints
from neuromosaic.core.errors import RunFailedError
from neuromosaic.core.graph.packing import unpack
from neuromosaic.core.proposals import FamilyProposal, SuiteProposal
from neuromosaic.core.protocols import Program
from neuromosaic.core.role_inputs import Finding
from neuromosaic.core.search.families import Choice
from neuromosaic.core.validation.suite import MutantReport, green, kill_mutants
from neuromosaic.workflows.bench import Workbench
from neuromosaic.workflows.candidates import Family, admit, family_of, is_limit, ladder
from neuromosaic.workflows.planning import ask_for_suite, passing_stubs
from neuromosaic.workflows.proposing import ATTEMPTS, climb_family, keep_family
from neuromosaic.workflows.state import DesignState


def gather(bench: Workbench, state: DesignState) -> DesignState:
    """The accepted families; where every seat missed a limit, those as they are, so that the nearest is known."""
    if state.get("families"):
        return {}
    stand_ins = [seat for seat in state.get("rejected", []) if _stand_in(bench, seat)]
    if not stand_ins:
        reasons = "; ".join(
            f"{step['name']}: {step['reason']}"
            for seat in state.get("rejected", [])
            if (step := bench.store.step(bench.run, f"rejection/{seat}"))
        )
        raise RunFailedError(f"no proposed network came through the ladder ({reasons or 'nothing was proposed'})")
    bench.tell(
        "note", text="No family keeps within the brief's limits: the search goes on for the one that misses least."
    )
    return {"families": stand_ins}


def _stand_in(bench: Workbench, seat: str) -> bool:
    """Climbs again without limits and without the suite, if limits were all that was wrong."""
    for attempt in reversed(range(ATTEMPTS)):
        climbed = bench.store.step(bench.run, f"climb/{seat}/{attempt}")
        if climbed and all(is_limit(Finding.model_validate(finding)) for finding in climbed["findings"]):
            return bool(bench.once(f"stand-in/{seat}", lambda: _climb_unlimited(bench, seat, attempt)))  # noqa: B023
    return False


def _climb_unlimited(bench: Workbench, seat: str, attempt: int) -> bool:
    step = bench.store.step(bench.run, f"proposal/{seat}/{attempt}")
    proposal = FamilyProposal.model_validate(step["proposal"])
    rungs = replace(ladder(bench), constraints=Constraints())
    climb = climb_family(bench, seat, proposal, rungs, None)
    if climb.accepted:
        keep_family(bench, seat, proposal, step["designed_by"], climb, within=False)
    return climb.accepted


def mutants(bench: Workbench, state: DesignState) -> DesignState:
    """Once per run: the suite must catch broken variants of the first family; else it is mended once."""
    if bench.store.step(bench.run, "mutants") is None:
        bench.once("mutants", lambda: _judge_suite(bench, sorted(state["families"])))
    return {}


def _judge_suite(bench: Workbench, families: list[str]) -> dict[str, object]:
    first = next((family for name in families if (family := family_of(bench, name)).within), None)
    suite = bench.suite
    report = face_mutants(bench, first, suite) if first else None
    if first is None or report is None:
        why = "no family in the graph lane came through the ladder within the limits"
        return {"rows": [], "suite": suite, "why": why}
    if not report.accepted:
        suite, report = _mend_suite(bench, families, first, report)
    return {"suite": suite, **tell_mutants(bench, first, report)}


def tell_mutants(bench: Workbench, family: Family, report: MutantReport) -> dict[str, object]:
    """What became of each, told and proved: {"rows", "family", "evidence"}."""
    rows = [row._asdict() for row in report.rows]
    bench.tell(
        "suite.mutants", family=family.id, killed=report.killed, survived=report.survived,
        equivalent=report.equivalent,
    )  # fmt: skip
    return {"rows": rows, "family": family.id, "evidence": bench.prove("mutants", family=family.id, rows=rows)}


def face_mutants(bench: Workbench, family: Family, suite: str) -> MutantReport | None:
    """None where the family's own point cannot be built, or is in the python lane."""
    candidate = admit(bench, {family.id: family}, Choice(family.id, family.default))
    if candidate is None or candidate.graph is None:
        return None
    return kill_mutants(
        suite,
        unpack(bench.store.get(candidate.graph)),
        bench.sandbox,
        bench.judge,
        bench.dataset.contract,
        bench.brief.seed,
    )


def _mend_suite(
    bench: Workbench, families: list[str], first: Family, report: MutantReport
) -> tuple[str, MutantReport]:
    """TestArchitect sees the survivors; the new suite counts only if it is red, green everywhere, and kills more."""
    previous = SuiteProposal(source=bench.suite)
    mended = ask_for_suite(bench, "suite/mended", previous, tuple(report.findings), report)
    if passing_stubs(bench, mended) or not all(_green(bench, name, mended) for name in families):
        bench.tell("note", text="The mended test suite failed good networks: the first one stays.")
        return bench.suite, report
    second = face_mutants(bench, first, mended.source)
    if second is None or second.survived >= report.survived:
        return bench.suite, report
    return mended.source, second


def _green(bench: Workbench, name: str, suite: SuiteProposal) -> bool:
    family = family_of(bench, name)
    return green(bench.sandbox.test(suite.source, Program(family.proposal.source, family.default, bench.brief.seed)))
