"""The order of the gates, the lanes and the duplicates: with workers that answer as they are told."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from neuromosaic.core.brief import Constraints, Contract
from neuromosaic.core.errors import CandidateError, WorkerError
from neuromosaic.core.graph.canonical import graph_id
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.graph.tensors import from_numpy
from neuromosaic.core.protocols import Exported, Program, SuiteOutcome
from neuromosaic.core.role_inputs import Finding
from neuromosaic.core.signature import signature_of
from neuromosaic.core.validation.behave import Examples
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
INSPECTED = {"parameters": 10, "flops": 20.0, "peak_memory_mb": 0.5, "allocated_mb": 0.5, "findings": []}
BEHAVED = {"seconds_per_step": 0.01, "findings": []}
LEARNT = {"figures": {"loss_before": 2.0, "loss_after": 1.0, "gradient_norm": 0.5}, "findings": []}
FAULT = {"gate": "", "code": "batch-leak", "message": "it leaks"}
OBSTACLE = Finding(gate="shape", code="not-exportable", message="an if on values", line=9, severity="warning")
GREEN = SuiteOutcome({"test_a": "passed"})


SEEN = from_numpy(np.ones((2, 64), np.float32))


class Bench:
    """A ladder over two scripted workers."""

    def __init__(self, scripted: Any, contract: Contract, x: np.ndarray, y: np.ndarray) -> None:
        self._made = scripted, contract, x, y

    def __call__(self, export: Any, constraints: Constraints | None = None, **answers: Any) -> Ladder:
        scripted, contract, x, y = self._made
        outcome = answers.pop("suite", GREEN)
        answers = {
            "inspect": INSPECTED,
            "behave": BEHAVED,
            "learn": LEARNT,
            "test": {"outcomes": {"test_a": "passed"}},
            **answers,
        }
        self.sandbox = scripted(export, outcome, **answers)
        self.judge = scripted(**answers)
        examples = Examples({"x/0": from_numpy(x), "y": from_numpy(y)})
        limits = constraints or Constraints()
        return Ladder(self.sandbox, self.judge, signature_of(contract), limits, examples, timeout=5.0)


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
    assert gates(climb) == ["parse", "shape", "behave", "test", "learn"]
    assert (climb.accepted, climb.stopped_by, climb.findings) == (True, None, ())
    assert (climb.lane, climb.candidate_id, climb.boundary) == ("graph", graph_id(graph), "scripted")
    assert climb.graph is graph
    shape = {"parameters": 10, "flops": 20, "peak_memory_mb": 0.5, "allocated_mb": 0.5}
    assert climb.figures == {**shape, "seconds_per_step": 0.01, **LEARNT["figures"]}
    assert all(verdict.milliseconds > 0 for verdict in climb.verdicts)


def test_the_judge_scores_the_graph_and_the_sandbox_runs_the_tests(bench: Bench, graph: Graph) -> None:
    bench(graph).climb(PROGRAM, "suite")
    assert [(job.kind, job.subject, job.timeout) for job in bench.judge.jobs] == [
        ("inspect", graph, 5.0),
        ("behave", graph, 5.0),
        ("learn", graph, 5.0),
    ]
    assert bench.sandbox.programs == [("export", PROGRAM), ("test", PROGRAM)]
    assert [(job.kind, job.subject) for job in bench.sandbox.jobs] == [("test", graph)]


def test_without_a_suite_the_test_gate_is_left_out(bench: Bench, graph: Graph) -> None:
    climb = bench(graph).climb(PROGRAM)
    assert gates(climb) == ["parse", "shape", "behave", "learn"]
    assert climb.accepted


def test_what_cannot_be_exported_is_scored_in_the_sandbox_and_marked(bench: Bench) -> None:
    climb = bench(Exported(None, OBSTACLE)).climb(PROGRAM, "suite")
    assert (climb.accepted, climb.lane, climb.graph) == (True, "python", None)
    assert climb.candidate_id == f"py-{program_hash(PROGRAM)}"
    assert climb.findings == (OBSTACLE,)
    assert bench.judge.jobs == []
    assert [(job.kind, job.subject) for job in bench.sandbox.jobs] == [
        ("inspect", PROGRAM), ("behave", PROGRAM), ("learn", PROGRAM)
    ]  # fmt: skip


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
    climb = bench(None).climb(same, "suite", known={program_hash(PROGRAM): "abc"}.get)
    assert (climb.accepted, climb.duplicate_of, climb.candidate_id) == (False, "abc", "abc")
    assert (climb.stopped_by, climb.findings[-1].code) == ("parse", "duplicate")
    assert bench.sandbox.programs == []


def test_a_known_graph_is_a_duplicate_before_it_is_run_for_long(bench: Bench, graph: Graph) -> None:
    climb = bench(graph).climb(PROGRAM, "suite", known={graph_id(graph): "abc"}.get)
    assert (climb.accepted, climb.duplicate_of, climb.stopped_by) == (False, "abc", "shape")
    assert [job.kind for job in bench.judge.jobs] == ["inspect"]


def test_a_known_python_candidate_is_recognised_by_its_own_id(bench: Bench) -> None:
    climb = bench(Exported(None, OBSTACLE)).climb(PROGRAM, known={f"py-{program_hash(PROGRAM)}": "abc"}.get)
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


def test_what_only_the_python_shows_stops_at_behave(bench: Bench, graph: Graph) -> None:
    fault = Finding(gate="behave", code="state-dict", message="it answers differently once it was reloaded")
    climb = bench(Exported(graph, None, (fault,), (SEEN,), (SEEN,))).climb(PROGRAM)
    assert (climb.stopped_by, climb.findings) == ("behave", (fault,))


def test_a_graph_that_answers_otherwise_than_its_python_is_given_up(bench: Bench, graph: Graph) -> None:
    differs = {**INSPECTED, "findings": [{**FAULT, "code": "graph-differs"}]}
    ladder = bench(graph, inspect=lambda job: differs if job.subject is graph else INSPECTED)
    climb = ladder.climb(PROGRAM)
    assert (climb.accepted, climb.lane, climb.graph) == (True, "python", None)
    assert [(finding.code, finding.severity) for finding in climb.findings] == [("graph-differs", "warning")]


def test_what_needs_more_memory_than_a_worker_has_is_not_exercised(bench: Bench, graph: Graph) -> None:
    climb = bench(graph, inspect={**INSPECTED, "allocated_mb": 2000.0}).climb(PROGRAM)
    assert (climb.accepted, [finding.code for finding in climb.findings]) == (True, ["not-exercised"])
    assert [job.kind for job in bench.judge.jobs] == ["inspect"]


def test_a_graph_that_the_python_could_not_try_is_looked_at_by_its_shapes_alone(bench: Bench, graph: Graph) -> None:
    described = ({"shape": [2, 64], "dtype": "float32"},)
    assert bench(Exported(graph, described=described)).climb(PROGRAM).accepted
    assert bench.judge.jobs[0].arguments["described"] == [{"shape": [1, 64], "dtype": "float32"}]


def test_a_graph_that_is_too_much_for_the_judge_is_looked_at_by_its_shapes_alone(bench: Bench, graph: Graph) -> None:
    described = ({"shape": [2, 64], "dtype": "float32"},)
    exported = Exported(graph, None, (), (SEEN,), (SEEN,), described)
    ladder = bench(
        exported, inspect=lambda job: INSPECTED if "described" in job.arguments else WorkerError("", "memory")
    )
    assert ladder.climb(PROGRAM).accepted


@pytest.mark.parametrize(("last", "gate"), [("parse", "parse"), ("shape", "shape"), ("behave", "behave")])
def test_a_climb_may_end_early(bench: Bench, graph: Graph, last: str, gate: str) -> None:
    assert gates(bench(graph).climb(PROGRAM, "suite", up_to=last))[-1] == gate


def test_a_network_that_does_not_learn_is_refused(bench: Bench, graph: Graph) -> None:
    assert bench(graph, learn={**LEARNT, "findings": [FAULT]}).climb(PROGRAM).stopped_by == "learn"
    assert bench(graph, learn=WorkerError("", "timeout")).climb(PROGRAM).stopped_by == "learn"


def test_a_graph_that_is_none_is_a_finding_and_no_error_of_ours(bench: Bench) -> None:
    climb = bench(Graph({"format": 1}, {})).climb(PROGRAM)
    assert climb.stopped_by == "shape"
    assert [finding.code for finding in climb.findings] == ["bad-graph"]


def test_what_a_worker_says_of_its_learning_is_no_figure_unless_it_is_a_number(bench: Bench, graph: Graph) -> None:
    said = {"loss_before": "much", "loss_after": float("inf"), "gradient_norm": 2.0}
    climb = bench(graph, learn={"findings": [], "figures": said}).climb(PROGRAM)
    assert climb.verdicts[-1].figures == {"gradient_norm": 2.0}
