"""How far a program has come up the ladder, and what was found on the way."""

from dataclasses import dataclass, field
from typing import Literal

from neuromosaic.core.graph.document import Graph
from neuromosaic.core.protocols import Exported, Verdict
from neuromosaic.core.role_inputs import Finding

Lane = Literal["graph", "python"]


@dataclass(frozen=True)
class Climb:
    """`lane`, `graph` and `candidate_id` are known from the export on, also where a later gate says no.

    `candidate_id`: the graph's id; in the python lane "py-" and the hash of source and values. `duplicate_of` is
    the known candidate that this one turned out to be. `boundary` is the sandbox's level, `exported` all it said.
    """

    boundary: str
    verdicts: tuple[Verdict, ...] = ()
    lane: Lane | None = None
    graph: Graph | None = field(default=None, repr=False)
    exported: Exported | None = field(default=None, repr=False)
    candidate_id: str | None = None
    duplicate_of: str | None = None

    @property
    def accepted(self) -> bool:
        """It was built, and passed every gate that it faced."""
        return self.lane is not None and self.stopped_by is None

    @property
    def stopped_by(self) -> str | None:
        return next((verdict.gate for verdict in self.verdicts if not verdict.passed), None)

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(finding for verdict in self.verdicts for finding in verdict.findings)

    @property
    def figures(self) -> dict[str, float]:
        """ "parameters", "flops", "peak_memory_mb", "seconds_per_step" and more, as far as measured."""
        return {name: value for verdict in self.verdicts for name, value in verdict.figures.items()}
