"""The gates "shape" and "behave": what they ask of a worker, and what they make of its answer."""

import math
from typing import Any

import numpy as np
import pytest

from neuromosaic.core.brief import Constraints
from neuromosaic.core.errors import CandidateError, InfrastructureError, WorkerError
from neuromosaic.core.graph.tensors import from_numpy, to_numpy
from neuromosaic.core.protocols import Exported, Program, Verdict
from neuromosaic.core.role_inputs import Finding
from neuromosaic.core.signature import signature_of
from neuromosaic.core.validation.behave import Examples, check_behaviour
from neuromosaic.core.validation.shape import check_shape

PROGRAM = Program("", {}, 0)
BODY = {"parameters": 1300, "flops": 2600.0, "peak_memory_mb": 1.5, "allocated_mb": 2.0, "findings": []}
FAULT = {"gate": "inspect", "code": "output-shape", "message": "expected [10], got [9]", "layer": None, "line": None}


def shape(scripted: Any, contract: Any, constraints: Constraints, answer: Any) -> Verdict:
    return check_shape(PROGRAM, scripted(inspect=answer), signature_of(contract), constraints, Exported(None))


def test_shape_brings_the_figures(scripted: Any, contract: Any) -> None:
    verdict = shape(scripted, contract, Constraints(), BODY)
    assert verdict.passed
    assert verdict.figures == {"parameters": 1300.0, "flops": 2600.0, "peak_memory_mb": 1.5, "allocated_mb": 2.0}


def test_shape_asks_for_memory_at_the_briefs_batch(scripted: Any, contract: Any) -> None:
    worker = scripted(inspect=BODY)
    check_shape(PROGRAM, worker, signature_of(contract), Constraints(latency_batch=7), Exported(None), timeout=3.0)
    (job,) = worker.jobs
    assert (job.kind, job.subject, job.timeout) == ("inspect", PROGRAM, 3.0)
    assert job.arguments == {"signature": signature_of(contract).model_dump(mode="json"), "batch": 7, "seed": 0}


def test_shape_says_which_limits_are_missed_and_by_how_much(scripted: Any, contract: Any) -> None:
    limits = Constraints(parameters=500, flops=2600, memory_mb=1, latency_ms=0.001, metrics={"accuracy": 0.99})
    verdict = shape(scripted, contract, limits, BODY)
    assert {finding.code: finding.message for finding in verdict.findings} == {
        "too-many-parameters": "1,300 parameters, limit 500: 2.6 times too many",
        "too-much-memory": "1.5 MB of memory, limit 1 MB: 1.5 times too much",
    }
    assert not verdict.passed


def test_shape_says_too_many_flops(scripted: Any, contract: Any) -> None:
    (finding,) = shape(scripted, contract, Constraints(flops=1000), BODY).findings
    assert finding.code == "too-many-flops"


def test_what_the_worker_found_is_passed_on_under_the_gates_name(scripted: Any, contract: Any) -> None:
    verdict = shape(scripted, contract, Constraints(parameters=500), {"findings": [FAULT]})
    assert verdict.findings == (Finding(gate="shape", code="output-shape", message="expected [10], got [9]"),)
    assert verdict.figures == {}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {**BODY, "parameters": None},
        {**BODY, "parameters": "few"},
        {**BODY, "parameters": True},
        {**BODY, "flops": -1},
        {**BODY, "flops": math.nan},
        {**BODY, "flops": math.inf},
        {**BODY, "findings": [{"code": "x"}]},
        {**BODY, "findings": [3]},
        {**BODY, "findings": 3},
        {**BODY, "findings": {"code": "x"}},
    ],
)
def test_a_forged_answer_is_a_finding(scripted: Any, contract: Any, body: Any) -> None:
    (finding,) = shape(scripted, contract, Constraints(), body).findings
    assert (finding.code, finding.severity) == ("answer-unreadable", "error")


def test_a_flood_of_findings_is_cut_short(scripted: Any, contract: Any) -> None:
    findings = shape(
        scripted, contract, Constraints(), {"findings": [{**FAULT, "message": "x" * 9999}] * 999}
    ).findings
    assert len(findings) == 20
    assert len(findings[0].message) == 500


@pytest.mark.parametrize("cause", ["timeout", "memory", "crash"])
def test_a_worker_that_the_candidate_ended_is_a_finding(scripted: Any, contract: Any, cause: str) -> None:
    (finding,) = shape(scripted, contract, Constraints(), WorkerError("it is gone", cause)).findings
    assert finding.code == cause
    assert finding.message.startswith("it is gone (")


def test_a_raising_candidate_is_a_finding_with_its_place(scripted: Any, contract: Any) -> None:
    error = CandidateError("bad view", "forward", line=7, layer="head")
    (finding,) = shape(scripted, contract, Constraints(), error).findings
    assert finding == Finding(gate="shape", code="forward", message="bad view", line=7, layer="head")


@pytest.mark.parametrize("error", [WorkerError("no process", "setup"), InfrastructureError("no disk")])
def test_a_failing_machine_is_no_verdict(scripted: Any, contract: Any, error: Exception) -> None:
    with pytest.raises(type(error), match=str(error)):
        shape(scripted, contract, Constraints(), error)


def test_behave_hands_the_examples_over(scripted: Any, contract: Any, x: np.ndarray, y: np.ndarray) -> None:
    worker = scripted(behave={"findings": [], "seconds_per_step": 0.01})
    examples = Examples({"x/0": from_numpy(x), "y": from_numpy(y)})
    verdict = check_behaviour(PROGRAM, worker, signature_of(contract), examples, 16)
    (job,) = worker.jobs
    assert verdict == Verdict("behave", (), {"seconds_per_step": 0.01})
    assert job.arguments["signature"]["loss"] == "cross_entropy"
    assert job.arguments["examples"] == 16
    np.testing.assert_array_equal(to_numpy(job.tensors["x/0"]), x)
    np.testing.assert_array_equal(to_numpy(job.tensors["y"]), y)


def test_behave_passes_warnings_on(scripted: Any, contract: Any, x: np.ndarray, y: np.ndarray) -> None:
    warning = {**FAULT, "severity": "warning"}
    worker = scripted(behave={"findings": [warning], "seconds_per_step": 0.01})
    examples = Examples({"x/0": from_numpy(x), "y": from_numpy(y)})
    verdict = check_behaviour(PROGRAM, worker, signature_of(contract), examples, 16)
    assert verdict.passed
    assert verdict.findings[0].gate == "behave"
