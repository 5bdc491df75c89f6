from typing import Any

from neuromosaic.core.store.store import Event
from neuromosaic.delivery.contents import Delivery
from neuromosaic.delivery.history import read_history


def told(*events: tuple[str, dict[str, Any]], step: float = 10.0) -> list[Event]:
    return [Event(number, 100 + step * number, kind, data) for number, (kind, data) in enumerate(events)]


def test_a_run_is_told_in_order_with_details_under_their_heads(digits: Delivery) -> None:
    lines = digits.history.timeline
    assert [line.time for line in lines] == sorted(line.time for line in lines)
    heads = [line.text for line in lines if not line.detail]
    assert "Compute: plan envelope" in heads
    assert all(line.text == line.text.strip() for line in lines)


def test_every_decision_names_who_took_it_and_why(digits: Delivery) -> None:
    by_who = {(decision.by, decision.client) for decision in digits.history.decisions}
    assert {("Compute", "offline"), ("NetworkArchitect", "offline"), ("core", "")} <= by_who
    why = {decision.why for decision in digits.history.decisions}
    assert {"small data: many short trials", "balanced classes", "layer head gets no gradient"} <= why


def test_verdicts_keep_their_findings_and_evidence(digits: Delivery) -> None:
    (failed,) = [verdict for verdict in digits.history.gates if not verdict.passed]
    assert failed.findings == ("layer head gets no gradient",)
    assert failed.evidence == "e-gater0s2"


def test_what_a_resumed_process_tells_again_counts_once() -> None:
    recipe = ("recipe", {"optimizer": "sgd", "learning_rate": 0.1, "batch_size": 8, "epochs": 2.0})
    note = ("note", {"text": "rows repeat"})
    history = read_history(told(recipe, note, recipe, note), {"Trainer": "offline"})
    assert len(history.decisions) == 1
    assert history.notes == ["rows repeat"]


def test_calls_from_the_store_cost_nothing() -> None:
    call = {
        "model": "m",
        "cached": False,
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "cost_usd": 0.25,
        "seconds": 1.0,
    }
    history = read_history(told(("model.called", call), ("model.called", {**call, "cached": True})), {})
    assert (history.calls, history.tokens, history.cost_usd) == (1, 15, 0.25)


def test_time_between_two_processes_is_not_work() -> None:
    started = ("process.started", {})
    events = told(started, ("note", {"text": "a"}), ("note", {"text": "b"}), started, ("note", {"text": "c"}))
    assert read_history(events, {}).seconds == 20 + 10


def test_certification_refused_and_full_trainings_are_told_apart() -> None:
    trial = {
        "trial": "t", "contestant": "search", "candidate": "c", "name": "n", "family": "f", "values": {},
        "fidelity": 1.0, "final": True, "cause": "finished", "parameters": 3, "metric": "accuracy", "value": 0.5,
        "seconds": 1.0,
    }  # fmt: skip
    refused = ("certificate.refused", {"name": "n", "reason": "differs"})
    history = read_history(told(("trial.finished", trial), refused), {})
    assert history.trials == []
    assert history.decisions[0].what == "refused to certify n"


def test_openings_of_the_test_split_are_counted() -> None:
    opened = ("test.opened", {"candidates": ["a"]})
    assert read_history(told(opened, opened), {}).test_openings == 2
    assert read_history([], {}).seconds == 0
