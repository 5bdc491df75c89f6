"""Families and candidates as the nodes of a run share them: small records, the bulk in artifacts."""

import ast
import hashlib
import json
import re
from typing import Literal

from neuromosaic.core.brief import Value
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.graph.packing import pack, unpack
from neuromosaic.core.graph.tensors import from_numpy
from neuromosaic.core.proposals import FamilyProposal
from neuromosaic.core.protocols import Program, Verdict
from neuromosaic.core.role_inputs import Finding
from neuromosaic.core.search.families import Choice
from neuromosaic.core.signature import signature_of
from neuromosaic.core.space.moving import usual
from neuromosaic.core.space.parameters import Point, settled
from neuromosaic.core.syntax import defaults, method, parse
from neuromosaic.core.validation.behave import Examples
from neuromosaic.core.validation.climb import Climb
from neuromosaic.core.validation.ladder import Ladder
from neuromosaic.delivery.source import with_defaults
from neuromosaic.workflows.bench import Workbench
from neuromosaic.workflows.extending import from_where_it_was

Lane = Literal["graph", "python"]


class Family(Value):
    """A family that climbed the ladder; not `within` where it misses a limit and stands in for want of a better."""

    id: str
    proposal: FamilyProposal
    designed_by: str
    default: Point
    seconds_per_step: float
    within: bool = True


class Candidate(Value):
    """One concrete network. `graph` is an artifact's digest (None in the python lane); `name` is for people."""

    id: str
    name: str
    family: str
    values: Point
    lane: Lane
    graph: str | None
    parameters: int
    flops: float
    peak_memory_mb: float


def family_default(proposal: FamilyProposal) -> Point:
    """The author's own point: the constructor's defaults of the searched arguments, which are literals;
    those whose condition they do not meet are left out."""
    constructor = method("__init__", parse(proposal.source))
    known = defaults(constructor) if constructor else {}
    values = {name: ast.literal_eval(known[name]) for name in proposal.space}
    return settled(proposal.space, values, usual)


def program(family: Family, values: Point, seed: int) -> Program:
    return Program(family.proposal.source, values, seed)


def subject(bench: Workbench, candidate: Candidate) -> Graph | Program:
    """What a worker is to work on: the stored graph, or the Python where there is none."""
    if candidate.graph is None:
        return program(family_of(bench, candidate.family), candidate.values, bench.brief.seed)
    return unpack(bench.store.get(candidate.graph))


def family_of(bench: Workbench, family: str) -> Family:
    """Read once a process: a family never changes."""
    return bench.share(f"family {family}", lambda: bench.known(f"family/{family}", Family))


def model_source(bench: Workbench, candidate: Candidate) -> str:
    """The delivered model.py: the family's source with this candidate's values as defaults."""
    return with_defaults(family_of(bench, candidate.family).proposal.source, candidate.values)


def ladder(bench: Workbench) -> Ladder:
    data = bench.dataset
    examples = {"x/0": from_numpy(data.train.x[:32]), "y": from_numpy(data.train.y[:32])}
    signature = signature_of(data.contract, bench.plan.loss)
    own = bench.options.extend
    return Ladder(
        bench.sandbox, bench.judge, signature, bench.brief.constraints, Examples(examples),
        strict=not (own and own.libraries),
    )  # fmt: skip


def record(bench: Workbench, family: Family, values: Point, climb: Climb) -> Candidate:
    """Keeps a climb that has come past the shape gate."""
    figures, candidate = climb.figures, str(climb.candidate_id)
    return Candidate(
        id=candidate, name=f"{_slug(family.proposal.name)}-{candidate.removeprefix('py-')[:6]}", family=family.id,
        values=values, lane=climb.lane,
        graph=bench.store.put(pack(from_where_it_was(bench, climb.graph))) if climb.graph is not None else None,
        parameters=int(figures["parameters"]), flops=figures["flops"], peak_memory_mb=figures["peak_memory_mb"],
    )  # fmt: skip


def admit(bench: Workbench, families: dict[str, Family], choice: Choice) -> Candidate | None:
    """The candidate at this point, or None where it cannot be built, breaks the contract, or misses a limit.

    Of several points that build the same network the first one known stands for all.
    """
    point = hashlib.sha256(choice.key.encode()).hexdigest()[:16]
    outcome = bench.once(f"admit/{point}", lambda: _admit(bench, families[choice.family], choice))
    if outcome["candidate"] is None:
        return None
    candidate = Candidate.model_validate(outcome["candidate"])
    return bench.once_as(f"candidate/{candidate.id}", Candidate, lambda: candidate)


def _admit(bench: Workbench, family: Family, choice: Choice) -> dict[str, object]:
    climb = ladder(bench).climb_point(program(family, choice.values, bench.brief.seed))
    faults = [finding for finding in climb.findings if finding.severity == "error"]
    if not family.within:
        faults = [finding for finding in faults if not is_limit(finding)]
    if faults or climb.lane is None:
        bench.tell("point.refused", family=family.id, values=choice.values, findings=_dump(faults))
        return {"candidate": None}
    return {"candidate": record(bench, family, choice.values, climb).model_dump(mode="json")}


def is_limit(finding: Finding) -> bool:
    """A limit of the brief that is missed, as opposed to something broken."""
    return finding.code in {"too-many-parameters", "too-many-flops", "too-much-memory"}


def tell_verdicts(bench: Workbench, family: str, verdicts: tuple[Verdict, ...]) -> None:
    for verdict in verdicts:
        evidence = bench.prove(
            "verdict", subject=family, gate=verdict.gate, passed=verdict.passed,
            figures=verdict.figures, findings=_dump(verdict.findings), boundary=bench.sandbox.boundary,
        )  # fmt: skip
        bench.tell(
            "gate.verdict", family=family, gate=verdict.gate, passed=verdict.passed,
            milliseconds=round(verdict.milliseconds, 1), findings=_dump(verdict.findings), evidence=evidence,
        )  # fmt: skip


def _dump(findings: object) -> list[dict[str, object]]:
    return [finding.model_dump(mode="json") for finding in findings]  # type: ignore[attr-defined]


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:30].strip("-") or "network"


def canonical(value: object) -> str:
    """SHA-256 of a JSON value, for keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
