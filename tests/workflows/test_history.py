"""What a designer's families took is told with them, so that earnings can be set against costs."""

from typing import Any

from neuromosaic.core.store.store import Event
from neuromosaic.workflows.history import _took, traces
from tests.small_runs import Finished, at_work


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
