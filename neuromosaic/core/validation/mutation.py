"""Judging TestArchitect's suite: it must notice broken variants of a network that it passed."""

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from neuromosaic.core.brief import Contract
from neuromosaic.core.errors import CandidateError, WorkerError
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.protocols import Judge, Sandbox
from neuromosaic.core.role_inputs import Finding
from neuromosaic.core.validation.equivalence import Equivalence
from neuromosaic.core.validation.faults import fault
from neuromosaic.core.validation.suite_on_graph import suite_on_graph

if TYPE_CHECKING:
    from neuromosaic.core.graph.mutants import Mutant

GATE = "mutants"
SHARE = 0.6
"""Of the mutants that behave differently, so many must be noticed."""

Fate = Literal["killed", "survived", "equivalent"]


class MutantRow(NamedTuple):
    """What became of one mutant; `killed_by` names the tests, or the one word why it could not be tested at all."""

    kind: str
    description: str
    fate: Fate
    killed_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class MutantReport:
    """`tests`: those that pass on the unbroken graph, and so faced the mutants."""

    rows: tuple[MutantRow, ...]
    tests: tuple[str, ...]
    share: float = SHARE

    @property
    def killed(self) -> int:
        return self._count("killed")

    @property
    def survived(self) -> int:
        return self._count("survived")

    @property
    def equivalent(self) -> int:
        return self._count("equivalent")

    @property
    def score(self) -> float:
        """Killed of those that are not equivalent; 1.0 where there are none."""
        return self.killed / (self.killed + self.survived) if self.killed + self.survived else 1.0

    @property
    def accepted(self) -> bool:
        return self.score >= self.share

    @property
    def findings(self) -> tuple[Finding, ...]:
        """One per survivor: errors where the suite kills too few, else warnings."""
        return tuple(self._survivor(row) for row in self.rows if row.fate == "survived")

    def _survivor(self, row: MutantRow) -> Finding:
        message = f"no test noticed this change of a good network: {row.description}"
        severity: Literal["error", "warning"] = "warning" if self.accepted else "error"
        return Finding(gate=GATE, code="mutant-survived", message=message, severity=severity)

    def _count(self, fate: Fate) -> int:
        return sum(row.fate == fate for row in self.rows)


def kill_mutants(
    suite: str,
    graph: Graph,
    sandbox: Sandbox,
    judge: Judge,
    contract: Contract,
    seed: int,
    share: float = SHARE,
    timeout: float = 120.0,
) -> MutantReport:
    """Every mutant of `graph` faces the tests that pass on `graph` itself; a survivor is compared with `graph`.

    Mutants are tested at the same time, as far as the sandbox has workers; the rows keep the mutants' order.
    Raises InfrastructureError where the machine failed, CandidateError where the suite cannot run on the graph.
    """
    from neuromosaic.core.graph.mutants import mutants

    passing = _passing(suite, graph, sandbox, timeout)
    equivalence = Equivalence(graph, judge, contract, seed)

    def face(mutant: "Mutant") -> MutantRow:
        killers = _killers(suite, passing, mutant, sandbox, timeout)
        if killers:
            return MutantRow(mutant.kind, mutant.description, "killed", killers)
        fate: Fate = "equivalent" if equivalence.holds(mutant.graph) else "survived"
        return MutantRow(mutant.kind, mutant.description, fate)

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return MutantReport(tuple(pool.map(face, mutants(graph, seed))), passing, share)


def _passing(suite: str, graph: Graph, sandbox: Sandbox, timeout: float) -> tuple[str, ...]:
    outcomes = suite_on_graph(suite, graph, sandbox, timeout).outcomes
    return tuple(name for name, state in outcomes.items() if state == "passed")


def _killers(
    suite: str, passing: tuple[str, ...], mutant: "Mutant", sandbox: Sandbox, timeout: float
) -> tuple[str, ...]:
    """The tests that passed before and now do not; a mutant that ends the process is noticed by its death."""
    if not passing:
        return ()
    try:
        outcomes = suite_on_graph(suite, mutant.graph, sandbox, timeout).outcomes
    except (CandidateError, WorkerError) as error:
        return (fault(GATE, error).code,)
    return tuple(_noticed(passing, outcomes))


def _noticed(passing: tuple[str, ...], outcomes: Mapping[str, str]) -> Iterator[str]:
    if "collection" in outcomes:
        yield "collection"
        return
    yield from (name for name in passing if outcomes.get(name) in ("failed", "error"))
