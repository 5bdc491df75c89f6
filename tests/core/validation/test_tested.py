"""The gate "test": the suite on the Python, then on the graph."""

from typing import Any

import pytest

from neuromosaic.core.errors import CandidateError, WorkerError
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.protocols import Program, SuiteOutcome
from neuromosaic.core.validation.tested import check_tests

PROGRAM = Program("", {}, 0)
GRAPH = Graph({}, {})
GREEN = {"test_a": "passed", "test_b": "passed"}


def test_green_in_both_lanes_passes_without_a_word(scripted: Any) -> None:
    worker = scripted(outcome=_outcome(GREEN))
    assert check_tests("suite", PROGRAM, None, worker).findings == ()
    worker = _both(scripted, GREEN, GREEN)
    assert check_tests("suite", PROGRAM, GRAPH, worker, timeout=9).findings == ()
    assert [(job.kind, job.subject, job.arguments, job.timeout) for job in worker.jobs] == [
        ("test", GRAPH, {"suite": "suite"}, 9)
    ]


def _outcome(outcomes: dict[str, Any], **messages: str) -> SuiteOutcome:
    return SuiteOutcome(outcomes, messages)


def _both(scripted: Any, python: Any, graph: Any) -> Any:
    """A sandbox that gives these outcomes: it runs "test" jobs on graphs under the same name."""
    on_graph = {"outcomes": graph, "messages": {}} if isinstance(graph, dict) else graph
    return scripted(outcome=_outcome(python), test=on_graph)


def test_each_failed_test_is_told_with_its_reason(scripted: Any) -> None:
    outcomes = {"test_a": "passed", "test_b": "failed", "test_c": "error"}
    worker = scripted(outcome=_outcome(outcomes, test_b="line 3: AssertionError"))
    verdict = check_tests("suite", PROGRAM, GRAPH, worker)
    assert [finding.message for finding in verdict.findings] == [
        "test_b failed: line 3: AssertionError",
        "test_c error: no reason given",
    ]
    assert not verdict.passed
    assert worker.jobs == []  # the graph is not asked


def test_many_failed_tests_are_told_in_short(scripted: Any) -> None:
    worker = scripted(outcome=_outcome({f"test_{number}": "failed" for number in range(12)}))
    findings = check_tests("suite", PROGRAM, None, worker).findings
    assert len(findings) == 11
    assert findings[-1].message == "2 more tests failed: test_10, test_11"


def test_a_suite_that_skips_everything_is_not_green(scripted: Any) -> None:
    (finding,) = check_tests("suite", PROGRAM, None, scripted(outcome=_outcome({"test_a": "skipped"}))).findings
    assert finding.code == "no-test-passed"


def test_a_suite_that_cannot_be_collected_says_why(scripted: Any) -> None:
    worker = scripted(outcome=_outcome({"collection": "error"}, collection="model.py line 3: no such layer"))
    (finding,) = check_tests("suite", PROGRAM, None, worker).findings
    assert finding.message.endswith("model.py line 3: no such layer")


@pytest.mark.parametrize("error", [WorkerError("too late", "timeout"), CandidateError("too late", "timeout")])
def test_a_suite_that_does_not_end_is_a_finding(scripted: Any, error: Exception) -> None:
    (finding,) = check_tests("suite", PROGRAM, None, scripted(outcome=error)).findings
    assert (finding.gate, finding.code) == ("test", "timeout")


@pytest.mark.parametrize("other", [{"test_a": "passed", "test_b": "failed"}, {"test_a": "passed"}])
def test_lanes_that_disagree_are_a_warning_that_names_the_tests(scripted: Any, other: dict[str, str]) -> None:
    verdict = check_tests("suite", PROGRAM, GRAPH, _both(scripted, GREEN, other))
    (finding,) = verdict.findings
    assert verdict.passed
    assert (finding.code, finding.severity) == ("suite-disagrees", "warning")
    assert finding.message.endswith(": test_b")


@pytest.mark.parametrize(
    "answer", [WorkerError("gone", "crash"), CandidateError("gone"), lambda _: {"outcomes": {"test_a": "fine"}}]
)
def test_a_graph_that_cannot_be_tested_is_a_warning(scripted: Any, answer: Any) -> None:
    verdict = check_tests("suite", PROGRAM, GRAPH, _both(scripted, GREEN, answer))
    (finding,) = verdict.findings
    assert (finding.code, finding.severity) == ("suite-disagrees", "warning")


def test_a_failing_machine_is_no_verdict(scripted: Any) -> None:
    with pytest.raises(WorkerError):
        check_tests("suite", PROGRAM, GRAPH, _both(scripted, GREEN, WorkerError("no process", "setup")))
