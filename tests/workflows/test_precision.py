"""A run trains in one precision: as asked, or as measured once for all that the same machine and network do."""

from typing import Any

import pytest

from neuromosaic.core.evaluation.precision import Decided
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.delivery.history import read_history
from neuromosaic.delivery.narration import narrate
from neuromosaic.workflows import precision
from neuromosaic.workflows.finalists import known_finalists
from neuromosaic.workflows.options import Options
from neuromosaic.workflows.precision import in_precision
from neuromosaic.workflows.searching import recipes
from tests.small_runs import Finished, at_work

SETTLED = ("understood", "brief", "hardware", "envelope", "metrics", "suite", "family", "admit", "candidate")
LONG = Recipe(epochs=1000)
FASTER = Decided(
    precision="bf16", reason="bf16: 1.4 times as fast as float32 on this machine, used", gains={"bf16": 1.4}
)


class Measured:
    """Stands for the clock: counts how often it was asked, and says something else each time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: Decided) -> None:
        self.asked, self._answers = list[str](), [*answers]
        monkeypatch.setattr(precision, "measured", self)

    def __call__(self, *given: Any) -> Decided:
        self.asked.append(given[3].precision)
        return self._answers.pop(0)


def another_run(finished: Finished, **options: Any) -> str:
    """As far as its machine, data and networks are settled."""
    store, old = finished.store, finished.results.run
    run = store.create_run(store.run(old).brief, Options(**options).model_dump(mode="json"))
    store.copy_steps(old, run, SETTLED)
    return run


def settled(finished: Finished, run: str, recipe: Recipe = LONG) -> Recipe:
    with at_work(finished.store, finished.results.run) as bench:
        candidate = known_finalists(bench)[0].candidate
    with at_work(finished.store, run) as bench:
        return in_precision(bench, recipe, candidate)


def told(finished: Finished, run: str) -> list[str]:
    return [event.data["reason"] for event in finished.store.events(run) if event.kind == "precision"]


def test_on_a_cpu_float32_is_the_rule_and_a_name_is_obeyed(
    finished: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Measured(monkeypatch)
    assert settled(finished, another_run(finished)) == LONG
    assert settled(finished, another_run(finished, precision="fp16")).precision == "fp16"
    assert not clock.asked


def test_what_was_measured_is_kept_by_the_run_and_by_those_after_it(
    finished: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Measured(monkeypatch, FASTER, Decided(precision="float32", reason="float32: noise", gains={}))
    run = another_run(finished, precision="auto")
    assert [settled(finished, run).precision for _ in range(2)] == ["bf16", "bf16"]
    again = another_run(finished, precision="auto")
    assert settled(finished, again).precision == "bf16"
    assert clock.asked == ["float32"]
    assert told(finished, again) == [FASTER.reason]
    other = settled(finished, another_run(finished, precision="auto"), LONG.model_copy(update={"batch_size": 16}))
    assert (other.precision, len(clock.asked)) == ("float32", 2)


def test_short_trainings_are_not_measured(finished: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, run = Measured(monkeypatch), another_run(finished, precision="auto")
    assert settled(finished, run, Recipe(epochs=1)).precision == "float32"
    assert told(finished, run) == ["float32: a training of 2 steps would not repay measuring others"]
    with at_work(finished.store, run) as bench:
        assert in_precision(bench, LONG, None).precision == "float32"
    assert not clock.asked


def test_the_recipe_of_a_run_is_in_its_precision(finished: Finished) -> None:
    run = another_run(finished, precision="bf16")
    families = [event.data["family"] for event in finished.events if event.kind == "family.accepted"]
    with at_work(finished.store, run) as bench:
        recipes(bench, {"families": families})
    assert finished.store.step(run, "recipe")["precision"] == "bf16"
    told = next(event for event in finished.store.events(run) if event.kind == "recipe")
    assert str(narrate("recipe", told.data)).endswith("epochs, in bf16")
    decided = read_history(finished.store.events(run), {}).decisions
    assert [one.what.endswith("epochs, in bf16") for one in decided if one.by == "Trainer"] == [True]


def test_the_report_tells_who_chose_it_and_why(finished: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    Measured(monkeypatch, FASTER)
    run = another_run(finished, precision="auto")
    settled(finished, run, LONG.model_copy(update={"batch_size": 8}))
    decisions = read_history(finished.store.events(run), {}).decisions
    assert [(one.by, one.what, one.why) for one in decisions] == [("core", "chose bf16 to train in", FASTER.reason)]
    assert narrate("precision", FASTER.model_dump()) == f"  precision: {FASTER.reason}"
