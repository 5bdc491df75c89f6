"""What a designer's families took is told with them, so that earnings can be set against costs."""

from pathlib import Path
from typing import Any

from neuromosaic.core.role_inputs import Repair
from neuromosaic.core.store.store import Event, Store
from neuromosaic.workflows import runs
from neuromosaic.workflows.history import _repairs, _took, traces
from neuromosaic.workflows.options import Options
from tests.small_runs import Finished, at_work, iris


def call(model: str, cost: float | None, role: str = "NetworkArchitect") -> Event:
    data: dict[str, Any] = {"role": role, "model": model, "prompt_tokens": 900, "completion_tokens": 100}
    return Event(0, 0.0, "model.called", {**data, "cost_usd": cost})


def test_calls_are_shared_among_a_designer_s_families() -> None:
    events = [call("a", 0.2), call("a", 0.4), call("b", None), call("a", 9.0, role="Trainer")]
    assert _took(events, "a", 2) == {"tokens": 1000, "cost_usd": 0.30000000000000004}
    assert _took(events, "b", 1) == {"tokens": 1000, "cost_usd": None}


def test_the_built_in_designer_takes_nothing(finished: Finished) -> None:
    with at_work(finished.store, finished.results.run) as bench:
        told = traces(bench)
    assert told
    assert {(trace.designed_by, trace.tokens, trace.cost_usd) for trace in told} == {("offline", 0, 0.0)}


def test_each_repair_is_told_as_problem_change_and_outcome(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    run = runs.create(store, iris(), Options())
    steps: dict[str, Any] = {
        "proposal/r0s0/0": {"proposal": {"rationale": "A first try."}},
        "climb/r0s0/0": {"findings": [{"message": "too many parameters"}]},
        "proposal/r0s0/1": {"proposal": {"rationale": "Half the width."}},
        "climb/r0s0/1": {"findings": []},
        "proposal/r0s1/0": {"proposal": {"rationale": "Another."}},
        "climb/r0s1/0": {"findings": [{"message": "no gradient"}]},
        "proposal/r0s1/1": {"failed": "no usable reply came"},
    }
    for name, value in steps.items():
        store.once(run, name, lambda value=value: value)
    with at_work(store, run) as bench:
        assert list(_repairs(bench, "r0s0")) == [
            Repair(problem="too many parameters", change="Half the width.", outcome="accepted")
        ]
        assert list(_repairs(bench, "r0s1")) == [
            Repair(problem="no gradient", change="no usable reply came", outcome="no usable reply")
        ]
