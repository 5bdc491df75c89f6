"""The engine: every trial is decided in the store, counted once, and lost to nothing."""

import math
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from neuromosaic.core.errors import InfrastructureError, NotFoundError, SearchError
from neuromosaic.core.search.ledger import new_owner
from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.strategies.random_search import RandomSearch
from neuromosaic.evaluation import BaseEvaluator
from neuromosaic.search import ArchitectureSearch, SearchSpace, Trial
from tests.core.search.small_searches import SMALL, bowl, essence, search

# ------------------------------------------------------------ what a search gives


def test_a_function_of_the_point_is_enough() -> None:
    found = search()
    trials = found.run()
    assert [trial.number for trial in trials] == list(range(12))
    assert found.best.metrics["value"] == max(bowl(trial.point) for trial in trials)
    assert [trial.metrics["value"] for trial in found.results] == sorted(
        (bowl(t.point) for t in trials), reverse=True
    )
    assert found.summary()["complete"] == 12


def test_one_seed_one_result() -> None:
    assert essence(search(seed=3, cache=False).run()) == essence(search(seed=3, cache=False).run())
    assert essence(search(seed=3).run()) != essence(search(seed=4).run())


def test_several_objectives_give_a_front_within_the_limits() -> None:
    found = search(
        evaluator=lambda p: {"accuracy": p["x"], "latency": p["x"] + p["y"], "params": p["y"]},
        objectives={"accuracy": "max", "latency": "min"}, constraints={"params": "<= 5"}, max_trials=40,
    )  # fmt: skip
    found.run()
    front = found.pareto()
    assert front
    assert all(trial.metrics["params"] <= 5 for trial in front)
    assert found.best in front


def test_where_nothing_meets_the_limits_there_is_no_best() -> None:
    found = search(evaluator=lambda p: {"accuracy": 1.0, "params": 9.0}, constraints=["params < 5"])
    found.run()
    assert found.pareto() == []
    with pytest.raises(NotFoundError, match="within the constraints"):
        _ = found.best


def test_a_finite_space_ends_the_search_early_and_says_so() -> None:
    found = search(space=SMALL, evaluator=lambda p: float(p["y"]), strategy="grid", max_trials=50)
    assert len(found.run()) == 10
    assert any("exhausted" in note for note in found.summary()["notes"])


def test_callbacks_see_each_result_and_may_stop_the_search() -> None:
    seen: list[int] = []

    def watch(running: ArchitectureSearch, trial: Trial) -> None:
        seen.append(trial.number)
        if len(seen) == 3:
            running.stop()

    found = search(callbacks=[watch])
    assert len(found.run()) == 3
    assert seen == [0, 1, 2]
    assert len(found.run()) == 12


def test_a_time_budget_begins_no_trial_after_it_and_records_where_it_stopped() -> None:
    found = search(evaluator=lambda p: time.sleep(0.05) or 1.0, max_trials=None, max_time=0.12, cache=False)
    assert 2 <= len(found.run()) <= 4
    assert found.summary()["notes"] == [{"stopped": "after 0.12 s", "trials": len(found.trials)}]


# ------------------------------------------------------------ never twice


class Counting(BaseEvaluator):
    calls = 0

    def evaluate(self, architecture: Any) -> Mapping[str, float]:
        type(self).calls += 1
        return {"accuracy": float(architecture["y"])}


@pytest.fixture
def counting() -> type[Counting]:
    Counting.calls = 0
    return Counting


def test_a_point_is_never_evaluated_twice(counting: type[Counting], tmp_path: Path) -> None:
    found = search(space=SMALL, evaluator=counting, max_trials=60, store=tmp_path)
    assert len(found.run()) == 60
    assert counting.calls == len({trial.point["y"] for trial in found.trials}) <= 10
    assert found.summary()["cached"] == 60 - counting.calls


def test_a_second_run_answers_from_the_store(counting: type[Counting], tmp_path: Path) -> None:
    first = search(evaluator=counting, store=tmp_path).run()
    second = search(evaluator=counting(), store=tmp_path).run()
    assert counting.calls == 12
    assert essence(first) == essence(second)
    assert all(trial.cached for trial in second)


def test_a_second_run_answers_from_memory_without_a_store(counting: type[Counting]) -> None:
    search(evaluator=counting, seed=77).run()
    search(evaluator=counting, seed=77).run()
    assert counting.calls == 12


def test_the_cache_can_be_turned_off(counting: type[Counting], tmp_path: Path) -> None:
    for _ in range(2):
        search(evaluator=counting, store=tmp_path, cache=False).run()
    assert counting.calls == 24


def test_figures_of_another_evaluator_are_never_used(tmp_path: Path) -> None:
    def times(factor: float) -> Callable[[dict[str, Any]], float]:
        return lambda point: factor * float(point["y"])

    one = search(evaluator=times(1.0), store=tmp_path).run()
    two = search(evaluator=times(2.0), store=tmp_path).run()
    assert [t.metrics["value"] * 2 for t in one] == [t.metrics["value"] for t in two]


def test_isomorphic_points_share_a_trial_unless_the_evaluator_says_that_they_differ(counting: type[Counting]) -> None:
    space = SearchSpace(SMALL.parameters, canonical=lambda p: {"y": p["y"] // 2})
    grid = {"space": space, "strategy": "grid", "max_trials": 10}
    search(evaluator=counting, seed=5, **grid).run()
    assert counting.calls == 5

    class Exact(Counting):
        canonical = False

    Exact.calls = 0
    search(evaluator=Exact, seed=5, **grid).run()
    assert Exact.calls == 10


def test_a_search_waits_for_the_figures_of_another_one(tmp_path: Path, counting: type[Counting]) -> None:
    one = search(space=SMALL, evaluator=counting, strategy="grid", max_trials=10, store=tmp_path)
    owner = new_owner()
    one._ledger.renew(owner)
    one._begin()
    keys = [one._dispatch.key(Trial(0, {"y": y})) for y in range(10)]
    for key in keys[3:5]:
        one._ledger.claim(key, owner)
    answered: list[int] = []

    def answer(running: ArchitectureSearch, trial: Trial) -> None:
        answered.append(trial.number)
        if len(answered) == 8:
            for key in keys[3:5]:
                one._ledger.keep(key, owner, {"accuracy": 7.0})

    one._callbacks = (answer,)
    trials = one.run()
    assert [t.metrics["accuracy"] for t in sorted(trials, key=lambda t: t.point["y"])][3:5] == [7.0, 7.0]
    assert counting.calls == 8


# ------------------------------------------------------------ outcomes, one each


@pytest.mark.parametrize(
    ("evaluator", "cause", "said"),
    [
        (lambda p: math.nan, "result", "the evaluator returned nan for 'value'"),
        (lambda p: "good", "result", "returned 'good' (str) for 'value', not a number"),
        (lambda p: None, "result", "returned None"),
        (lambda p: {}, "result", "returned no figure at all"),
        (lambda p: {3: 1.0}, "result", "returned 3 as a figure's name"),
        (lambda p: 1 / 0, "raised", "ZeroDivisionError: division by zero"),
        (lambda p: sys.exit(3), "raised", "SystemExit: 3"),
        (lambda p: [0] * (1 << 60), "memory", "MemoryError"),
    ],
)
def test_what_gives_no_result_fails_with_its_cause(evaluator: Any, cause: str, said: str) -> None:
    found = search(evaluator=evaluator, max_trials=2, objectives="value")
    trials = found.run()
    assert [trial.state for trial in trials] == ["failed", "failed"]
    assert trials[0].cause == cause
    assert said in trials[0].message
    assert found.summary()["causes"] == {cause: 2}


def test_a_missing_metric_names_what_there_is() -> None:
    (trial,) = search(evaluator=lambda p: {"acuracy": 1.0}, objectives="accuracy", max_trials=1).run()
    assert (trial.state, trial.cause) == ("failed", "result")
    assert trial.message == "the evaluator returned no 'accuracy' (did you mean 'acuracy'?)"


def test_figures_without_a_known_name_ask_for_objectives() -> None:
    with pytest.raises(SearchError, match="say which metric is wanted"):
        search(evaluator=lambda p: {"sharpness": 1.0}).run()


def test_infrastructure_failures_are_tried_again_and_others_are_not() -> None:
    tries: list[int] = []

    def flaky(point: dict[str, Any]) -> float:
        tries.append(1)
        if len(tries) < 3:
            raise InfrastructureError("the disk was away")
        return 1.0

    (trial,) = search(evaluator=flaky, max_trials=1).run()
    assert (trial.state, trial.attempts, len(tries)) == ("complete", 3, 3)
    (trial,) = search(evaluator=flaky, max_trials=1, max_retries=0, cache=False).run()
    assert trial.state == "complete"
    tries.clear()
    (trial,) = search(evaluator=flaky, max_trials=1, max_retries=1, cache=False).run()
    assert (trial.state, trial.cause, len(tries)) == ("failed", "infrastructure", 2)


def test_an_evaluator_that_hangs_is_stopped_also_by_the_sequential_executor() -> None:
    def hangs(point: dict[str, Any]) -> float:
        if point["y"] > 7:
            time.sleep(60)
        return 1.0

    found = search(space=SMALL, evaluator=hangs, strategy="grid", max_trials=10, trial_timeout=0.5, max_retries=0)
    began = time.monotonic()
    trials = sorted(found.run(), key=lambda trial: trial.point["y"])
    assert time.monotonic() - began < 30
    assert [trial.state for trial in trials] == ["complete"] * 8 + ["failed"] * 2
    assert {trial.cause for trial in trials[8:]} == {"timeout"}


def test_an_evaluator_that_kills_its_process_fails_alone() -> None:
    def dies(point: dict[str, Any]) -> float:
        if point["y"] == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return 1.0

    found = search(
        space=SMALL,
        evaluator=dies,
        strategy="grid",
        max_trials=10,
        executor="processes",
        max_workers=1,
        max_retries=1,
    )
    found.run()
    failed = [trial for trial in found.trials if trial.state == "failed"]
    assert [(trial.point["y"], trial.cause, trial.attempts) for trial in failed] == [(3, "crash", 2)]
    assert "signal 9" in failed[0].message


# ------------------------------------------------------------ arguments


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"space": None}, "give either architecture_type or space"),
        ({"space": {"x": 1}}, "give a SearchSpace, not dict"),
        ({"max_trials": None}, "give max_trials or max_time"),
        ({"max_trials": 0}, "max_trials: must be above 0"),
        ({"strategy": "radnom"}, "did you mean 'random'"),
        ({"executor": "thread"}, "did you mean 'threads'"),
        ({"pruner": "median"}, "nothing to prune by"),
        ({"pruner": "medain", "evaluator": lambda p, report: 1.0}, "did you mean 'median'"),
        ({"evaluator": 3}, "give a BaseEvaluator or a function, not int"),
        ({"evaluator": lambda: 1.0}, "cannot be called with one architecture"),
        ({"evaluator": None}, "run.. needs one"),
        ({"n_startup": 3}, "option 'n_startup' is unknown"),
        ({"strategy": 3}, "int has no method suggest"),
        ({"objectives": ["a", "b"], "pruner": "median", "evaluator": lambda p, report: 1.0}, "multi_objective"),
    ],
)
def test_what_does_not_fit_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(SearchError, match=said):
        search(**given).run()


def test_a_suggestion_outside_the_space_is_the_strategys_fault() -> None:
    class Wild:
        def suggest(self, space: SearchSpace, trial_number: int) -> dict[str, Any]:
            return {"x": 99.0, "y": 0}

        def update(self, architecture: Any, metrics: Mapping[str, float]) -> None: ...

    with pytest.raises(SearchError, match=r"suggested .*99\.0.* which is not in the space"):
        search(strategy=Wild).run()


def test_how_often_chance_was_taken_is_still_known_after_a_resume(tmp_path: Path) -> None:
    class Failing:
        fallbacks = 0

        def suggest(self, space: SearchSpace, trial_number: int) -> dict[str, Any]:
            self.fallbacks += trial_number % 2
            return {"x": trial_number / 10, "y": 0}

        def update(self, architecture: Any, metrics: Mapping[str, float]) -> None: ...

    counts = []
    for trials in (4, 7):
        found = search(strategy=Failing, max_trials=trials, store=tmp_path)
        found.resume() if counts else found.run()
        counts.append(found.summary()["fallbacks"])
    assert counts == [2, 3]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"n_startup_trial": 3}, "strategy random, pruner median: .*did you mean 'n_startup_trials'"),
        ({"max_trails": 3}, "did you mean 'max_trials'"),
        ({"strategy": RandomSearch(0, Objectives()), "pruner": None, "population_size": 3}, "search: .* is unknown"),
        ({"population_size": 3}, "'population_size' is unknown .known: 'n_startup_trials', 'n_warmup_steps'"),
    ],
)
def test_an_option_is_known_to_the_strategy_or_the_pruner_or_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(SearchError, match=said):
        search(**{"strategy": "random", "pruner": "median", "evaluator": lambda p, report: 1.0, **given}).run()
