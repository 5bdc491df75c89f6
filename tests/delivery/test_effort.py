from dataclasses import replace
from typing import Any

from neuromosaic.core.store.store import Event
from neuromosaic.delivery.contents import Delivery
from neuromosaic.delivery.effort import phases, usage
from neuromosaic.delivery.history import Trial
from neuromosaic.delivery.plots.searching import agreement, best_so_far
from neuromosaic.delivery.view import costs, decisions


def told(*events: tuple[float, str, dict[str, Any]]) -> list[Event]:
    return [Event(number, time, kind, data) for number, (time, kind, data) in enumerate(events)]


def call(model: str, **changes: Any) -> dict[str, Any]:
    figures = {"cached": False, "prompt_tokens": 10, "completion_tokens": 5, "cost_usd": 0.25, "seconds": 2.0}
    return {"model": model, "role": "Trainer", "purpose": "recipes", **figures, **changes}


def test_time_goes_to_the_phase_that_ended_with_an_event() -> None:
    trial = {"contestant": "search", "final": False}
    found = phases(told(
        (0, "process.started", {}), (1, "hardware", {}), (4, "suite.red", {}), (6, "gate.verdict", {}),
        (7, "note", {}), (8, "model.called", call("m")), (9, "trial.finished", {**trial, "contestant": "recipe"}),
        (12, "trial.finished", trial), (13, "model.called", call("m", role="Metrics", purpose="judge")),
        (20, "trial.finished", {**trial, "final": True}), (21, "certified", {}),
    ))  # fmt: skip
    assert [(phase.name, phase.seconds) for phase in found] == [
        ("plan", 1), ("test suite", 3), ("networks", 3), ("recipe", 2), ("search", 4), ("full training", 7),
        ("certificates", 1),
    ]  # fmt: skip


def test_what_lies_between_two_processes_is_nobodys_time() -> None:
    events = told((0, "hardware", {}), (5, "suite.red", {}), (500, "process.started", {}), (501, "suite.red", {}))
    assert [phase.seconds for phase in phases(events)] == [6]
    assert phases([]) == []


def test_models_are_counted_apart_and_the_store_answers_for_nothing() -> None:
    events = told(
        (0, "model.called", call("a")), (1, "model.called", call("b", cost_usd=None)),
        (2, "model.called", call("a", cached=True)), (3, "model.called", call("a")),
    )  # fmt: skip
    a, b = usage(events)
    assert (a.model, a.calls, a.reused, a.prompt_tokens, a.completion_tokens, a.seconds) == ("a", 2, 1, 20, 10, 4.0)
    assert (a.cost_usd, b.cost_usd) == (0.5, None)


def test_costs_and_decisions_come_as_they_are_shown(digits: Delivery) -> None:
    history = replace(digits.history, usage=usage(told((0, "model.called", call("a", cost_usd=None)))))
    assert costs(replace(digits, history=history)) == [("a", "1", "0", "10", "5", "2 s", "-")]
    steps = decisions(digits)
    assert [step.when for step in steps][:2] == ["+9 s", "+12 s"]
    assert "accepted small network (seat r0s0)" in {step.what for step in steps}


def trial(name: str, value: float, contestant: str = "search") -> Trial:
    return Trial(name, contestant, 10, value, 0.3)


def test_short_trainings_are_judged_by_the_pairs_that_they_order_right() -> None:
    early = [trial("a", 0.1), trial("b", 0.2), trial("c", 0.3), trial("d", 0.3), trial("alone", 0.9)]
    full = [trial("a", 0.5), trial("b", 0.4), trial("c", 0.6), trial("d", 0.7)]
    assert agreement(early, full) == (4, 5)  # c and d came out equal at first: no pair
    assert agreement(early, []) == (0, 0)


def test_the_search_is_drawn_only_beside_its_baseline() -> None:
    both = [trial("a", 0.1), trial("b", 0.2, "random_search"), trial("c", float("nan")), trial("d", 0.3)]
    assert "random search" in best_so_far(both, "worth", "accuracy")
    assert best_so_far([trial("a", 0.1)], "worth", "accuracy") == ""
