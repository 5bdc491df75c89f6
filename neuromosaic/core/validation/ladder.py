"""The ladder: the gates in order of cost, up to the first that says no."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from neuromosaic.core.brief import Constraints, Contract
from neuromosaic.core.errors import CandidateError, ExportError, WorkerError
from neuromosaic.core.evaluation.recipe import Loss
from neuromosaic.core.graph.canonical import graph_id
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.proposals import Finding
from neuromosaic.core.protocols import Judge, Program, Sandbox, Verdict
from neuromosaic.core.validation.behave import check_behaviour
from neuromosaic.core.validation.climb import Climb
from neuromosaic.core.validation.faults import fault
from neuromosaic.core.validation.identity import program_hash
from neuromosaic.core.validation.parse import check_source
from neuromosaic.core.validation.shape import check_shape
from neuromosaic.core.validation.tested import check_tests

Known = Mapping[str, str]
Step = Callable[[Climb], tuple[Climb, Verdict]]


class Ladder:
    """Gates "parse", "shape", "behave" and "test" for one brief.

    `x` [n, *input shape] and `y` [n, ...]: a small batch of training examples. `timeout`: seconds that one job may
    take; a test suite gets twice as long.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        judge: Judge,
        contract: Contract,
        constraints: Constraints,
        x: NDArray[Any],
        y: NDArray[Any],
        loss: Loss,
        timeout: float = 60.0,
    ) -> None:
        self._sandbox, self._judge = sandbox, judge
        self._contract, self._constraints = contract, constraints
        self._x, self._y, self._loss = x, y, loss
        self._timeout = timeout

    def climb(self, program: Program, suite: str | None = None, known: Known | None = None) -> Climb:
        """All gates; "test" only with a suite.

        `known` maps program hashes and graph ids to candidate ids: what is known already stops as a duplicate.
        Raises InfrastructureError where the machine failed.
        """
        known = known or {}
        steps: list[Step] = [
            lambda climb: self._parse(climb, program, known),
            lambda climb: self._shape(climb, program, known),
            lambda climb: self._behave(climb, program),
        ]
        if suite is not None:
            steps.append(lambda climb: self._test(climb, program, suite))
        return self._up(steps)

    def climb_point(self, program: Program) -> Climb:
        """Another point of a family that has climbed: export and "shape" alone."""
        return self._up([lambda climb: self._shape(climb, program, {})])

    def _up(self, steps: list[Step]) -> Climb:
        climb = Climb(self._sandbox.boundary)
        for step in steps:
            start = time.perf_counter()
            climb, verdict = step(climb)
            milliseconds = 1000 * (time.perf_counter() - start)
            climb = replace(climb, verdicts=(*climb.verdicts, replace(verdict, milliseconds=milliseconds)))
            if not verdict.passed:
                break
        return climb

    # ------------------------------------------------------------ the steps

    def _parse(self, climb: Climb, program: Program, known: Known) -> tuple[Climb, Verdict]:
        verdict = check_source(program.source, self._contract)
        if verdict.passed and (twin := known.get(program_hash(program))):
            return _duplicate(climb, verdict, twin)
        return climb, verdict

    def _shape(self, climb: Climb, program: Program, known: Known) -> tuple[Climb, Verdict]:
        try:
            climb, warnings = self._export(climb, program)
        except (CandidateError, WorkerError) as error:
            return climb, Verdict("shape", (fault("shape", error),))
        worker, subject = self._scored(climb, program)
        verdict = check_shape(subject, worker, self._contract, self._constraints, self._timeout)
        verdict = replace(verdict, findings=(*warnings, *verdict.findings))
        if verdict.passed and climb.candidate_id and (twin := known.get(climb.candidate_id)):
            return _duplicate(climb, verdict, twin)
        return climb, verdict

    def _export(self, climb: Climb, program: Program) -> tuple[Climb, tuple[Finding, ...]]:
        """The lane: a graph, or the Python itself where that runs but cannot be exported."""
        try:
            graph = self._sandbox.export(program, self._contract, self._timeout)
        except ExportError as error:
            reason = f"this network stays Python, as it cannot be exported: {error}"
            finding = Finding(
                gate="shape", code="not-exportable", message=reason, line=error.line, severity="warning"
            )
            return replace(climb, lane="python", candidate_id=f"py-{program_hash(program)}"), (finding,)
        return replace(climb, lane="graph", graph=graph, candidate_id=graph_id(graph)), ()

    def _behave(self, climb: Climb, program: Program) -> tuple[Climb, Verdict]:
        worker, subject = self._scored(climb, program)
        x, y = self._x, self._y
        return climb, check_behaviour(subject, worker, self._contract, self._loss, x, y, self._timeout)

    def _test(self, climb: Climb, program: Program, suite: str) -> tuple[Climb, Verdict]:
        return climb, check_tests(suite, program, climb.graph, self._sandbox, 2 * self._timeout)

    def _scored(self, climb: Climb, program: Program) -> tuple[Judge | Sandbox, Graph | Program]:
        """Who does what is scored, and to what: the judge to the graph; the sandbox to Python that has none."""
        return (self._sandbox, program) if climb.graph is None else (self._judge, climb.graph)


def _duplicate(climb: Climb, verdict: Verdict, twin: str) -> tuple[Climb, Verdict]:
    message = f"this is the same network as candidate {twin}, which is known already: propose a different one"
    finding = Finding(gate=verdict.gate, code="duplicate", message=message)
    verdict = replace(verdict, findings=(*verdict.findings, finding))
    return replace(climb, candidate_id=twin, duplicate_of=twin), verdict
