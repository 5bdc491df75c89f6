"""The ladder: the gates in order of cost, up to the first that says no."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from neuromosaic.core.brief import Constraints
from neuromosaic.core.errors import CandidateError, WorkerError
from neuromosaic.core.graph.canonical import graph_id
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.protocols import Exported, Judge, Program, Sandbox, Verdict
from neuromosaic.core.role_inputs import Finding
from neuromosaic.core.signature import Signature
from neuromosaic.core.validation.behave import DRAWN, Examples, check_behaviour, check_learning, how_many
from neuromosaic.core.validation.climb import Climb
from neuromosaic.core.validation.faults import fault
from neuromosaic.core.validation.identity import program_hash
from neuromosaic.core.validation.parse import check_source
from neuromosaic.core.validation.shape import check_shape, too_large_to_exercise
from neuromosaic.core.validation.tested import check_tests

Known = Callable[[str], str | None]
Step = Callable[[Climb], tuple[Climb, Verdict]]
GATES: Final = ("parse", "shape", "behave", "test", "learn")
BATCH_TO_LEARN: Final = 16
NO_LIMITS: Final = Constraints()


@dataclass(frozen=True)
class Ladder:
    """Gates "parse", "shape", "behave", "test" and "learn" for one signature.

    `examples`: a small batch of real ones; none: they are drawn, or made by the file's own factory. `memory_mb`:
    what a worker has. `timeout`: seconds that one job may take; a test suite gets twice as long. `strict`: what
    the policy frowns upon is an error, for delivered code may import torch and little else.
    """

    sandbox: Sandbox
    judge: Judge
    signature: Signature
    constraints: Constraints = NO_LIMITS
    examples: Examples = DRAWN
    memory_mb: float = 4096.0
    timeout: float = 60.0
    strict: bool = True

    def climb(
        self, program: Program, suite: str | None = None, known: Known = lambda key: None, up_to: str = "learn"
    ) -> Climb:
        """All gates up to `up_to`; "test" only with a suite.

        `known` says which candidate a program's hash or a graph's id belongs to: what is known stops as a duplicate.
        Raises InfrastructureError where the machine failed.
        """
        steps: dict[str, Step] = {
            "parse": lambda climb: self._parse(climb, program, known),
            "shape": lambda climb: self._shape(climb, program, known),
            "behave": lambda climb: self._behave(climb, program),
        }
        if suite is not None:
            steps["test"] = lambda climb: self._test(climb, program, suite)
        steps["learn"] = lambda climb: self._learn(climb, program)
        last = GATES.index(up_to)
        return self._up([step for gate, step in steps.items() if GATES.index(gate) <= last])

    def climb_point(self, program: Program) -> Climb:
        """Another point of a family that has climbed: export and "shape" alone."""
        return self._up([lambda climb: self._shape(climb, program, lambda key: None)])

    def _up(self, steps: list[Step]) -> Climb:
        climb = Climb(self.sandbox.boundary)
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
        verdict = check_source(program, self.signature, strict=self.strict)
        if verdict.passed and (twin := known(program_hash(program))):
            return _duplicate(climb, verdict, twin)
        return climb, verdict

    def _shape(self, climb: Climb, program: Program, known: Known) -> tuple[Climb, Verdict]:
        try:
            exported = self.sandbox.export(program, self.signature, self.timeout)
            climb = _in_lane(climb, program, exported)
        except (CandidateError, WorkerError) as error:
            return climb, Verdict("shape", (fault("shape", error),))
        climb, verdict = self._inspected(climb, program)
        if not verdict.passed:  # this is the last that is heard of it
            return climb, replace(verdict, findings=(*verdict.findings, *exported.findings))
        if climb.candidate_id and (twin := known(climb.candidate_id)):
            return _duplicate(climb, verdict, twin)
        return climb, verdict

    def _inspected(self, climb: Climb, program: Program) -> tuple[Climb, Verdict]:
        """A graph that answers otherwise than its Python does not stand for it."""
        exported = climb.exported
        assert exported is not None  # it was set on the way here
        warnings = (exported.obstacle,) if exported.obstacle else ()
        worker, subject = self._scored(climb, program)
        verdict = check_shape(subject, worker, self.signature, self.constraints, exported, program.seed, self.timeout)
        if climb.graph is not None and any(finding.code == "graph-differs" for finding in verdict.findings):
            return self._inspected(_in_lane(climb, program, _without_graph(exported)), program)
        return climb, replace(verdict, findings=(*warnings, *verdict.findings))

    def _behave(self, climb: Climb, program: Program) -> tuple[Climb, Verdict]:
        exported = climb.exported
        findings = exported.findings if exported else ()
        if (skipped := self._not_exercised(climb)) is not None:
            return climb, Verdict("behave", (*findings, skipped))
        worker, subject = self._scored(climb, program)
        verdict = check_behaviour(
            subject, worker, self.signature, self._shown(climb), how_many(climb.figures), self.timeout
        )
        known = {finding.code for finding in findings}
        more = [finding for finding in verdict.findings if finding.code not in known]
        return climb, replace(verdict, findings=(*findings, *more))

    def _test(self, climb: Climb, program: Program, suite: str) -> tuple[Climb, Verdict]:
        return climb, check_tests(suite, program, climb.graph, self.sandbox, 2 * self.timeout)

    def _learn(self, climb: Climb, program: Program) -> tuple[Climb, Verdict]:
        if self._not_exercised(climb) is not None:
            return climb, Verdict("learn")
        worker, subject = self._scored(climb, program)
        number = min(BATCH_TO_LEARN, how_many(climb.figures))
        return climb, check_learning(subject, worker, self.signature, self._shown(climb), number, self.timeout)

    # ------------------------------------------------------------ what they share

    def _scored(self, climb: Climb, program: Program) -> tuple[Judge | Sandbox, Graph | Program]:
        """Who does what is scored, and to what: the judge to the graph; the sandbox to Python that has none."""
        return (self.sandbox, program) if climb.graph is None else (self.judge, climb.graph)

    def _not_exercised(self, climb: Climb) -> Finding | None:
        shape = next(verdict for verdict in climb.verdicts if verdict.gate == "shape")
        return too_large_to_exercise(shape, self.memory_mb, self.signature)

    def _shown(self, climb: Climb) -> Examples:
        """Real examples; else those of the file's own factory; else none, for the worker can draw them."""
        exported = climb.exported
        if self.examples.tensors or self.signature.inputs or exported is None:
            return self.examples
        return Examples({f"x/{number}": x for number, x in enumerate(exported.inputs)}, exported.cut)


def _in_lane(climb: Climb, program: Program, exported: Exported) -> Climb:
    """The graph's lane, or that of Python that runs but cannot be exported."""
    if exported.graph is None:
        identity = f"py-{program_hash(program)}"
        return replace(climb, lane="python", graph=None, candidate_id=identity, exported=exported)
    return replace(
        climb, lane="graph", graph=exported.graph, candidate_id=graph_id(exported.graph), exported=exported
    )


def _without_graph(exported: Exported) -> Exported:
    message = (
        "this network stays Python: its exported graph answers otherwise, for forward depends on more than inputs"
    )
    obstacle = Finding(gate="shape", code="graph-differs", message=message, severity="warning")
    return replace(exported, graph=None, obstacle=obstacle)


def _duplicate(climb: Climb, verdict: Verdict, twin: str) -> tuple[Climb, Verdict]:
    message = f"this is the same network as candidate {twin}, which is known already: propose a different one"
    finding = Finding(gate=verdict.gate, code="duplicate", message=message)
    verdict = replace(verdict, findings=(*verdict.findings, finding))
    return replace(climb, candidate_id=twin, duplicate_of=twin), verdict
