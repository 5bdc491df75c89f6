"""The order of the gates, the lanes and the duplicates: with workers that answer as they are told."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from neuromosaic.core.brief import Constraints, Contract
from neuromosaic.core.errors import CandidateError, ExportError, WorkerError
from neuromosaic.core.graph.canonical import graph_id
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.proposals import Finding
from neuromosaic.core.protocols import Program, SuiteOutcome
from neuromosaic.core.validation.climb import Climb
from neuromosaic.core.validation.identity import program_hash
from neuromosaic.core.validation.ladder import Ladder

SOURCE = """
from torch import nn

class Model(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.layer = nn.Linear(64, width)

    def forward(self, x):
        return self.layer(x)
"""
PROGRAM = Program(SOURCE, {"width": 16}, seed=3)
INSPECTED = {"parameters": 10, "flops": 20.0, "peak_memory_mb": 0.5, "findings": []}
BEHAVED = {"seconds_per_step": 0.01, "findings": []}
FAULT = {"gate": "", "code": "batch-leak", "message": "it leaks"}
GREEN = SuiteOutcome({"test_a": "passed"})


class Bench:
    """A ladder over two scripted workers."""

    def __init__(self, scripted: Any, contract: Contract, x: np.ndarray, y: np.ndarray) -> None:
        self._made = scripted, contract, x, y

    def __call__(self, export: Any, constraints: Constraints | None = None, **answers: Any) -> Ladder:
        scripted, contract, x, y = self._made
        outcome = answers.pop("suite", GREEN)
        answers = {"inspect": INSPECTED, "behave": BEHAVED, "test": {"outcomes": {"test_a": "passed"}}, **answers}
        self.sandbox = scripted(export, outcome, **answers)
        self.judge = scripted(**answers)
        return Ladder(self.sandbox, self.judge, contract, constraints or Constraints(), x, y, "cross_entropy", 5.0)


@pytest.fixture
def bench(scripted: Any, contract: Contract, x: np.ndarray, y: np.ndarray) -> Bench:
    return Bench(scripted, contract, x, y)


@pytest.fixture
def graph(mlp_graph: Callable[[], Graph]) -> Graph:
    return mlp_graph()


def gates(climb: Climb) -> list[str]:
    return [verdict.gate for verdict in climb.verdicts]


def test_a_good_program_climbs_all_the_way_in_the_graph_lane(bench: Bench, graph: Graph) -> None:
    climb = bench(graph).climb(PROGRAM, "suite")
    assert gates(climb) == ["parse", "shape", "behave", "test"]
    assert (climb.accepted, climb.stopped_by, climb.findings) == (True, None, ())
    assert (climb.lane, climb.candidate_id, climb.boundary) == ("graph", graph_id(graph), "scripted")
    assert climb.graph is graph
    assert climb.figures == {"parameters": 10, "flops": 20, "peak_memory_mb": 0.5, "seconds_per_step": 0.01}
    assert all(verdict.milliseconds > 0 for verdict in climb.verdicts)


def test_the_judge_scores_the_graph_and_the_sandbox_runs_the_tests(bench: Bench, graph: Graph) -> None:
    bench(graph).climb(PROGRAM, "suite")
    assert [(job.kind, job.subject, job.timeout) for job in bench.judge.jobs] == [
        ("inspect", graph, 5.0),
        ("behave", graph, 5.0),
    ]
    assert bench.sandbox.programs == [("export", PROGRAM), ("test", PROGRAM)]
    assert [(job.kind, job.subject) for job in bench.sandbox.jobs] == [("test", graph)]


def test_without_a_suite_the_test_gate_is_left_out(bench: Bench, graph: Graph) -> None:
    climb = bench(graph).climb(PROGRAM)
    assert gates(climb) == ["parse", "shape", "behave"]
    assert climb.accepted


def test_what_cannot_be_exported_is_scored_in_the_sandbox_and_marked(bench: Bench) -> None:
    climb = bench(ExportError("an if on values", line=9)).climb(PROGRAM, "suite")
    assert (climb.accepted, climb.lane, climb.graph) == (True, "python", None)
    assert climb.candidate_id == f"py-{program_hash(PROGRAM)}"
    (finding,) = climb.findings
    assert (finding.gate, finding.code, finding.line, finding.severity) == ("shape", "not-exportable", 9, "warning")
    assert bench.judge.jobs == []
    assert [(job.kind, job.subject) for job in bench.sandbox.jobs] == [("inspect", PROGRAM), ("behave", PROGRAM)]


def test_a_source_that_cannot_be_read_is_never_run(bench: Bench) -> None:
    climb = bench(None).climb(Program("class Model(", {}, 0), "suite")
    assert (gates(climb), climb.stopped_by, climb.lane) == (["parse"], "parse", None)
    assert bench.sandbox.programs == []


@pytest.mark.parametrize("cause", ["timeout", "memory", "crash"])
def test_a_program_that_ends_its_worker_is_stopped_at_shape(bench: Bench, cause: str) -> None:
    climb = bench(WorkerError("gone", cause)).climb(PROGRAM, "suite")
    assert gates(climb) == ["parse", "shape"]
    assert [finding.code for finding in climb.findings] == [cause]
    assert (climb.accepted, climb.candidate_id) == (False, None)


def test_a_program_that_cannot_be_built_is_told_where(bench: Bench) -> None:
    climb = bench(CandidateError("mat1 and mat2", "constructor", line=7, layer="head")).climb(PROGRAM)
    wanted = Finding(gate="shape", code="constructor", message="mat1 and mat2", line=7, layer="head")
    assert climb.findings == (wanted,)


def test_a_machine_that_fails_is_no_verdict(bench: Bench) -> None:
    with pytest.raises(WorkerError):
        bench(WorkerError("no process", "setup")).climb(PROGRAM)


def test_a_missed_limit_stops_at_shape_and_still_says_which_candidate_it_was(bench: Bench, graph: Graph) -> None:
    climb = bench(graph, Constraints(parameters=4)).climb(PROGRAM, "suite")
    assert (climb.stopped_by, climb.lane, climb.candidate_id) == ("shape", "graph", graph_id(graph))
    assert climb.figures["parameters"] == 10
    assert [finding.code for finding in climb.findings] == ["too-many-parameters"]


def test_misbehaviour_stops_before_the_tests(bench: Bench, graph: Graph) -> None:
    climb = bench(graph, behave={**BEHAVED, "findings": [FAULT]}).climb(PROGRAM, "suite")
    assert climb.stopped_by == "behave"
    assert bench.sandbox.programs == [("export", PROGRAM)]


def test_a_failing_test_stops_the_climb(bench: Bench, graph: Graph) -> None:
    climb = bench(graph, suite=SuiteOutcome({"test_a": "failed"})).climb(PROGRAM, "suite")
    assert (climb.accepted, climb.stopped_by) == (False, "test")


def test_a_known_program_is_a_duplicate_before_it_is_built(bench: Bench) -> None:
    same = Program(SOURCE + "\n# with a comment", {"width": 16}, seed=9)
    climb = bench(None).climb(same, "suite", known={program_hash(PROGRAM): "abc"})
    assert (climb.accepted, climb.duplicate_of, climb.candidate_id) == (False, "abc", "abc")
    assert (climb.stopped_by, climb.findings[-1].code) == ("parse", "duplicate")
    assert bench.sandbox.programs == []


def test_a_known_graph_is_a_duplicate_before_it_is_run_for_long(bench: Bench, graph: Graph) -> None:
    climb = bench(graph).climb(PROGRAM, "suite", known={graph_id(graph): "abc"})
    assert (climb.accepted, climb.duplicate_of, climb.stopped_by) == (False, "abc", "shape")
    assert [job.kind for job in bench.judge.jobs] == ["inspect"]


def test_a_known_python_candidate_is_recognised_by_its_own_id(bench: Bench) -> None:
    climb = bench(ExportError("no")).climb(PROGRAM, known={f"py-{program_hash(PROGRAM)}": "abc"})
    assert climb.duplicate_of == "abc"


def test_another_point_is_exported_and_inspected_alone(bench: Bench, graph: Graph) -> None:
    climb = bench(graph).climb_point(PROGRAM)
    assert gates(climb) == ["shape"]
    assert climb.accepted
    assert (climb.candidate_id, climb.figures["flops"]) == (graph_id(graph), 20.0)


def test_another_point_that_fails_says_why(bench: Bench) -> None:
    climb = bench(CandidateError("width is odd", "constructor")).climb_point(PROGRAM)
    assert (climb.accepted, climb.lane) == (False, None)
    assert [finding.message for finding in climb.findings] == ["width is odd"]
