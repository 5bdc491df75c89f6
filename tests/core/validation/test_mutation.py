"""What becomes of mutants, with workers that answer as they are told; and equivalence by the real judge."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from neuromosaic.core.brief import Contract, TensorSpec
from neuromosaic.core.errors import CandidateError, WorkerError
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.graph.export import export_module
from neuromosaic.core.graph.mutants import mutants
from neuromosaic.core.graph.tensors import from_numpy
from neuromosaic.core.protocols import Job, Judge, Message
from neuromosaic.core.validation.equivalence import Equivalence
from neuromosaic.core.validation.mutation import MutantReport, MutantRow, kill_mutants

OWN = {"outcomes": {"test_a": "passed", "test_b": "passed", "test_inner": "failed"}, "messages": {}}


@pytest.fixture
def graph(mlp_graph: Callable[[], Graph]) -> Graph:
    return mlp_graph()


@pytest.fixture
def face(scripted: Any, contract: Contract, graph: Graph) -> Callable[..., MutantReport]:
    """A report in which every mutant's suite run gives `answer`, or what that gives for the mutant's number."""

    def run(answer: Any, own: Any = OWN, judge: Any = None) -> MutantReport:
        numbers = [mutant.graph.document for mutant in mutants(graph, 0)]

        def tested(job: Job) -> Any:
            if job.subject is graph:
                return own
            return answer(numbers.index(job.subject.document)) if callable(answer) else answer

        different = scripted(predict=_noise, train=_noise)
        return kill_mutants("suite", graph, scripted(test=tested), judge or different, contract, seed=0)

    return run


def _noise(job: Job) -> Message:
    return Message({}, {"outputs": from_numpy(np.random.default_rng().standard_normal(3))})


def _outcomes(**outcomes: str) -> dict[str, Any]:
    return {"outcomes": {**OWN["outcomes"], **outcomes}, "messages": {}}


def test_rows_keep_the_mutants_order_whoever_is_first(face: Callable[..., MutantReport], graph: Graph) -> None:
    def answer(number: int) -> dict[str, Any]:
        time.sleep(0.02 * (number % 3 == 0))
        return _outcomes(test_b="failed") if number % 2 else OWN

    report = face(answer)
    made = mutants(graph, 0)
    assert [(row.kind, row.description) for row in report.rows] == [(m.kind, m.description) for m in made]
    assert [row.fate for row in report.rows] == [("survived", "killed")[number % 2] for number in range(len(made))]
    assert {row.killed_by for row in report.rows if row.fate == "killed"} == {("test_b",)}


def test_only_tests_that_pass_on_the_unbroken_graph_count(face: Callable[..., MutantReport]) -> None:
    report = face(OWN)
    assert report.tests == ("test_a", "test_b")
    assert report.killed == 0


def test_a_skipped_test_has_noticed_nothing(face: Callable[..., MutantReport]) -> None:
    assert face(_outcomes(test_a="skipped")).killed == 0


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (WorkerError("too late", "timeout"), "timeout"),
        (WorkerError("too big", "memory"), "memory"),
        (CandidateError("no graph", "bad-graph"), "bad-graph"),
        ({"outcomes": {"collection": "error"}}, "collection"),
    ],
)
def test_a_mutant_that_cannot_even_be_tested_is_noticed(
    face: Callable[..., MutantReport], answer: Any, word: str
) -> None:
    report = face(lambda number: answer)
    assert {row.killed_by for row in report.rows} == {(word,)}


def test_a_suite_that_passes_nothing_on_the_graph_kills_nothing(face: Callable[..., MutantReport]) -> None:
    report = face({"outcomes": {"test_inner": "error"}}, own={"outcomes": {"test_inner": "failed"}})
    assert (report.killed, report.tests, report.accepted) == (0, (), False)


def test_a_failing_machine_is_no_kill(face: Callable[..., MutantReport]) -> None:
    with pytest.raises(WorkerError):
        face(lambda number: WorkerError("no process", "setup"))


def test_a_survivor_that_computes_the_same_is_equivalent(face: Callable[..., MutantReport], scripted: Any) -> None:
    same = Message({}, {"outputs": from_numpy(np.ones(3))})
    report = face(OWN, judge=scripted(predict=same, train=same))
    assert (report.killed, report.survived, report.equivalent) == (0, 0, len(report.rows))
    assert (report.score, report.accepted, report.findings) == (1.0, True, ())


@pytest.mark.parametrize(
    "error", [CandidateError("no"), WorkerError("gone", "crash"), WorkerError("late", "timeout")]
)
def test_a_survivor_that_cannot_be_run_is_not_equivalent(
    face: Callable[..., MutantReport], scripted: Any, graph: Graph, error: Exception
) -> None:
    def answer(job: Job) -> Any:
        return Message({}, {"outputs": from_numpy(np.ones(3))}) if job.subject is graph else error

    assert face(OWN, judge=scripted(predict=answer, train=answer)).equivalent == 0


def test_a_judge_that_cannot_be_set_up_is_no_verdict(
    face: Callable[..., MutantReport], scripted: Any, graph: Graph
) -> None:
    def answer(job: Job) -> Any:
        fine = Message({}, {"outputs": from_numpy(np.ones(3))})
        return fine if job.subject is graph else WorkerError("no process", "setup")

    with pytest.raises(WorkerError):
        face(OWN, judge=scripted(predict=answer, train=answer))


def test_survivors_are_told_as_errors_only_where_too_few_were_killed() -> None:
    rows = [MutantRow("k", f"change {number}", "killed", ("test_a",)) for number in range(3)]
    rows += [MutantRow("k", "change 3", "survived"), MutantRow("k", "change 4", "equivalent")]
    report = MutantReport(tuple(rows), ("test_a",))
    assert (report.killed, report.survived, report.equivalent, report.score) == (3, 1, 1, 0.75)
    (finding,) = report.findings
    assert (finding.code, finding.severity) == ("mutant-survived", "warning")
    assert "change 3" in finding.message
    (finding,) = MutantReport(report.rows, report.tests, share=0.8).findings
    assert finding.severity == "error"


# ---------------------------------------------------------------- equivalence, by the real judge


def exported(*layers: nn.Module, inputs: torch.Tensor | None = None) -> Graph:
    torch.manual_seed(0)
    for layer in layers:
        if hasattr(layer, "reset_parameters"):
            layer.reset_parameters()
    return export_module(nn.Sequential(*layers), (torch.zeros(2, 1, 8, 8) if inputs is None else inputs,))


def dense(*between: nn.Module) -> Graph:
    return exported(nn.Flatten(), nn.Linear(64, 8), *between, nn.Linear(8, 10))


def test_a_second_relu_changes_nothing(judge: Judge, contract: Contract) -> None:
    equivalence = Equivalence(dense(nn.ReLU(), nn.ReLU()), judge, contract, seed=0)
    assert equivalence.holds(dense(nn.ReLU(), nn.Identity()))
    assert not equivalence.holds(dense(nn.Identity(), nn.Identity()))


def test_what_differs_in_train_mode_alone_is_not_equivalent(judge: Judge, contract: Contract) -> None:
    equivalence = Equivalence(dense(nn.Identity()), judge, contract, seed=0)
    assert equivalence.holds(dense(nn.Identity()))
    assert not equivalence.holds(dense(nn.Dropout(0.1)))


def test_a_cut_gradient_is_not_equivalent(judge: Judge, contract: Contract, graph: Graph) -> None:
    cut = next(mutant.graph for mutant in mutants(graph, 0) if mutant.kind == "cut gradient")
    assert not Equivalence(graph, judge, contract, seed=0).holds(cut)


def test_other_shapes_are_not_equivalent(judge: Judge, contract: Contract, graph: Graph) -> None:
    wide = exported(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 11))
    assert not Equivalence(graph, judge, contract, seed=0).holds(wide)


def test_regression_and_text_are_compared_as_well(judge: Judge) -> None:
    table = Contract(task="regression", input=TensorSpec(shape=(5,)), output=TensorSpec(shape=(2,)), kind="tabular")
    linear = exported(nn.Linear(5, 2), inputs=torch.zeros(2, 5))
    assert Equivalence(linear, judge, table, seed=0).holds(linear)
    ids = TensorSpec(shape=(6,), dtype="int64")
    text = Contract(task="language_modelling", input=ids, output=TensorSpec(shape=(6, 7)), kind="text")
    bigram = exported(nn.Embedding(7, 7), inputs=torch.zeros(2, 6, dtype=torch.int64))
    scaled = exported(nn.Embedding(7, 7), nn.Softmax(-1), inputs=torch.zeros(2, 6, dtype=torch.int64))
    assert Equivalence(bigram, judge, text, seed=0).holds(bigram)
    assert not Equivalence(bigram, judge, text, seed=0).holds(scaled)
