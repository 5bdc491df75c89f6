"""NetworkArchitect's seats: each proposes a family, which climbs the ladder, and mends what is found."""

from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.types import Send

from neuromosaic.agents.network_architect import propose_family
from neuromosaic.core.errors import ReplyError, SpendingLimitError
from neuromosaic.core.proposals import FamilyProposal, Seat
from neuromosaic.core.protocols import Program
from neuromosaic.core.role_inputs import FamilyInputs, Finding, Trace
from neuromosaic.core.validation.climb import Climb
from neuromosaic.core.validation.ladder import Ladder
from neuromosaic.llm.fallback import Witness
from neuromosaic.workflows.advising import advised
from neuromosaic.workflows.bench import Workbench
from neuromosaic.workflows.candidates import (
    Family,
    family_default,
    ladder,
    tell_verdicts,
)
from neuromosaic.workflows.extending import ask_for_extension, check_extension
from neuromosaic.workflows.history import traces
from neuromosaic.workflows.planning import common
from neuromosaic.workflows.proposed_loss import asked_for
from neuromosaic.workflows.state import DesignState, FamilyOutcome, FamilyState

ATTEMPTS = 3
"""One proposal and two repairs."""


def seats(bench: Workbench, state: DesignState) -> list[Send]:
    """As many NetworkArchitects at once as the envelope has families; fewer after the first round."""
    turn = state["round"]
    slots = bench.envelope.families if turn == 0 else max(1, bench.envelope.families // 2)
    if bench.options.extend and turn == 0:
        slots = max(2, slots)  # the first is the given network's own
    return [Send("family", FamilyState(round=turn, slot=slot, slots=slots, attempt=0)) for slot in range(slots)]


def family_graph(bench: Workbench) -> Any:
    """propose -> climb -> (repair: propose again) until accepted, or out of attempts."""
    graph = StateGraph(FamilyState, output_schema=FamilyOutcome)
    graph.add_node("propose", lambda state: _propose(bench, state))
    graph.add_node("climb", lambda state: _climb(bench, state))
    graph.add_edge(START, "propose")
    graph.add_conditional_edges("propose", lambda state: END if state.get("outcome") else "climb")
    graph.add_conditional_edges("climb", lambda state: END if state.get("outcome") else "propose")
    return graph.compile()


def _id(state: FamilyState) -> str:
    return f"r{state['round']}s{state['slot']}"


def _propose(bench: Workbench, state: FamilyState) -> FamilyState:
    """Asks for the family, or for its repair with the findings of the last climb."""
    seat, attempt = _id(state), state["attempt"]
    purpose = "repair" if attempt else "extend" if bench.options.extend else "propose"
    bench.tell("role.started", role=architect(bench), purpose=purpose, seat=seat)
    outcome = bench.once(f"proposal/{seat}/{attempt}", lambda: _ask(bench, state))
    if "failed" in outcome:
        bench.tell("family.rejected", family=seat, reason=outcome["failed"])
        bench.once(f"rejection/{seat}", lambda: {"reason": outcome["failed"], "name": seat})
        return {"outcome": "rejected", "rejected": [seat]}
    bench.tell("family.proposed", family=seat, name=outcome["proposal"]["name"], designed_by=outcome["designed_by"])
    return {}


def architect(bench: Workbench) -> Seat:
    """Who designs here."""
    return "ModelArchitect" if bench.options.extend else "NetworkArchitect"


def _ask(bench: Workbench, state: FamilyState) -> dict[str, Any]:
    client = Witness(bench.client(architect(bench)))
    inputs = advised(bench, architect(bench), _inputs(bench, state), state["round"])
    try:
        if given := bench.options.extend:
            return ask_for_extension(client, given, inputs)
        proposal = propose_family(client, inputs)
    except (ReplyError, SpendingLimitError) as error:
        return {"failed": str(error)}
    return {"proposal": proposal.model_dump(mode="json"), "designed_by": client.answered_by}


def _inputs(bench: Workbench, state: FamilyState) -> FamilyInputs:
    seat, attempt = _id(state), state["attempt"]
    previous, findings = None, []
    if attempt:
        previous = bench.store.step(bench.run, f"proposal/{seat}/{attempt - 1}")["proposal"]["source"]
        findings = bench.store.step(bench.run, f"climb/{seat}/{attempt - 1}")["findings"]
    return FamilyInputs.model_validate(
        {
            **common(bench), "hardware": bench.hardware, "slot": state["slot"], "slots": state["slots"],
            "round": state["round"], "history": tuple(_history(bench, state["round"])), "suite": bench.suite,
            "previous": previous, "findings": findings,
            "loss": asked_for(bench, state["round"], state["slot"], attempt),
        }
    )  # fmt: skip


def _history(bench: Workbench, turn: int) -> list[Trace]:
    """What earlier rounds taught; seats of one round do not see each other, so that their order is no matter."""
    known = bench.once(f"history/{turn}", lambda: [trace.model_dump(mode="json") for trace in traces(bench)])
    return [Trace.model_validate(trace) for trace in known]


def _climb(bench: Workbench, state: FamilyState) -> FamilyState:
    """The ladder up to the tests, once for the family, at its author's own point."""
    seat, attempt = _id(state), state["attempt"]
    outcome = bench.once(f"climb/{seat}/{attempt}", lambda: _run_ladder(bench, seat, attempt))
    if outcome["accepted"]:
        bench.tell("family.accepted", family=seat)
        return {"outcome": "accepted", "families": [seat]}
    if attempt + 1 < ATTEMPTS:
        return {"attempt": attempt + 1}
    faults = [Finding.model_validate(finding) for finding in outcome["findings"]]
    reason = "; ".join(finding.message for finding in faults)
    bench.once(f"rejection/{seat}", lambda: {"reason": reason, "name": outcome["name"]})
    bench.tell("family.rejected", family=seat, reason=reason)
    return {"outcome": "rejected", "rejected": [seat]}


def _run_ladder(bench: Workbench, seat: str, attempt: int) -> dict[str, Any]:
    step = bench.store.step(bench.run, f"proposal/{seat}/{attempt}")
    proposal = FamilyProposal.model_validate(step["proposal"])
    climb = climb_family(bench, seat, proposal, ladder(bench), bench.suite)
    if climb.accepted:
        keep_family(bench, seat, proposal, step["designed_by"], climb, within=True)
    findings = [finding.model_dump(mode="json") for finding in climb.findings if finding.severity == "error"]
    return {"accepted": climb.accepted, "findings": findings, "name": proposal.name}


def climb_family(bench: Workbench, seat: str, proposal: FamilyProposal, rungs: Ladder, suite: str | None) -> Climb:
    """The ladder at the family's own point, its verdicts kept as evidence."""
    program = Program(proposal.source, family_default(proposal), bench.brief.seed)
    climb = check_extension(bench, program, rungs.climb(program, suite=suite))
    tell_verdicts(bench, seat, climb.verdicts)
    return climb


def keep_family(
    bench: Workbench, seat: str, proposal: FamilyProposal, designed_by: str, climb: Climb, *, within: bool
) -> None:
    """Stores the family, and its default point as a first candidate."""
    family = Family(
        id=seat, proposal=proposal, designed_by=designed_by, default=family_default(proposal),
        seconds_per_step=climb.figures.get("seconds_per_step", 0.0), within=within,
    )  # fmt: skip
    bench.once_as(f"family/{seat}", Family, lambda: family)
