"""Pruners decide as published, and as Optuna's where it has the same."""

import math
import random
from collections.abc import Mapping
from typing import Any

import pytest

from neuromosaic.core.errors import SearchError
from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.pruners import MedianRule
from neuromosaic.core.search.pruners.catalogue import make_pruner, pruner_names, pruner_options, register_pruner
from neuromosaic.core.search.pruners.curve import chance_above
from neuromosaic.core.search.pruners.rungs import Rungs
from neuromosaic.testing.pruners import check_pruner

HISTORY = {f"t{i}": [{"loss": float(i + 3 - step)} for step in range(3)] for i in range(5)}


def test_a_trial_above_the_median_of_the_others_is_stopped() -> None:
    rule = MedianRule(grace=2, least=3)
    assert not rule.should_stop("t", 1, {"loss": 99.0}, HISTORY), "too early to judge"
    assert rule.should_stop("t", 3, {"loss": 3.5}, HISTORY)
    assert not rule.should_stop("t", 3, {"loss": 3.0}, HISTORY), "the median itself is good enough"


def test_too_few_others_stop_nothing() -> None:
    rule = MedianRule(grace=1, least=6)
    assert not rule.should_stop("t", 3, {"loss": 99.0}, HISTORY)


# ------------------------------------------------------------ beside Optuna


def curves(direction: str, seed: int, trials: int = 40, steps: int = 27) -> list[list[float]]:
    draw = random.Random(seed)
    sign = 1 if direction == "max" else -1
    made = []
    for _ in range(trials):
        goal, rate = draw.random(), draw.uniform(0.2, 1.5)
        noisy = [sign * (goal - step**-rate + draw.gauss(0, 0.05)) for step in range(1, steps + 1)]
        made.append([math.nan if draw.random() < 0.02 else value for value in noisy])
    return made


def ours(name: str, direction: Any, given: list[list[float]], options: Mapping[str, Any]) -> list[int | None]:
    """At which step each trial is stopped; None: at none."""
    pruner: Any = make_pruner(name, Objectives({"v": direction}), options)
    stops: list[int | None] = []
    for number, curve in enumerate(given):
        stop = None
        for step, value in enumerate(curve, start=1):
            if pruner.should_stop(str(number), step, {"v": value}, {}):
                stop = step
                break
        if hasattr(pruner, "finished"):
            pruner.finished(str(number), stop is None)
        stops.append(stop)
    return stops


def theirs(pruner: Any, direction: str, given: list[list[float]]) -> list[int | None]:
    optuna = pytest.importorskip("optuna", reason="the extra with Optuna is not installed")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(study_name="search", direction=f"{direction}imize", pruner=pruner(optuna.pruners))
    stops: list[int | None] = []
    for curve in given:
        trial, stop = study.ask(), None
        for step, value in enumerate(curve, start=1):
            trial.report(value, step)
            if trial.should_prune():
                stop = step
                break
        last = next((value for value in reversed(curve[: stop or len(curve)]) if not math.isnan(value)), 0.0)
        study.tell(trial, state=optuna.trial.TrialState.PRUNED) if stop else study.tell(trial, last)
        stops.append(stop)
    return stops


PAIRS = {
    "median": ({"n_startup_trials": 4, "n_warmup_steps": 3}, lambda p: p.MedianPruner(4, 3)),
    "threshold": ({"lower": -0.4, "upper": 0.7}, lambda p: p.ThresholdPruner(lower=-0.4, upper=0.7)),
    "patience": ({"patience": 3, "min_delta": 0.01}, lambda p: p.PatientPruner(None, 3, 0.01)),
    "asha": ({"max_resource": 27}, lambda p: p.SuccessiveHalvingPruner(1, 3, 0)),
    "successive_halving": (
        {"min_resource": 2, "max_resource": 16, "reduction_factor": 2},
        lambda p: p.SuccessiveHalvingPruner(2, 2, 0),
    ),
    "hyperband": ({"max_resource": 27}, lambda p: p.HyperbandPruner(1, 27, 3)),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("direction", ["max", "min"])
@pytest.mark.parametrize("name", PAIRS)
def test_decisions_are_optunas_on_the_same_curves(name: str, direction: str) -> None:
    options, library = PAIRS[name]
    stopped = 0
    for seed in range(3):
        given = curves(direction, seed)
        decided = ours(name, direction, given, options)
        assert decided == theirs(library, direction, given)
        stopped += sum(stop is not None for stop in decided)
    assert 5 < stopped < 120


# ------------------------------------------------------------ what no library has


def test_asha_promotes_the_best_share_of_each_level_and_as_soon_as_it_can() -> None:
    rungs = Rungs((1, 3, 9), 3)
    for number, value in enumerate([0.1, 0.5, 0.3]):
        assert rungs.promotion() is None
        rungs.reached(str(number), 1, value)
    assert rungs.promotion() == rungs.promotion() == ("1", 3)
    rungs.promoted("1", 3)
    assert rungs.promotion() is None
    for number, value in enumerate([0.9, 0.2, math.nan, 0.05, 0.01, 0.02], start=3):
        rungs.reached(str(number), 1, value)
    assert rungs.promotion() == ("3", 3), "the best of nine, of whom three go on"
    rungs.promoted("3", 3)
    assert rungs.promotion() == ("2", 3)


@pytest.mark.parametrize("name", ["asha", "successive_halving", "hyperband"])
def test_the_last_level_is_the_most_that_was_allowed(name: str) -> None:
    pruner: Any = make_pruner(name, Objectives("v"), {"max_resource": 50})
    assert pruner.top("0") == 50
    reached = {pruner.first("0")}
    for number in range(400):
        pruner.reached(str(number), pruner.first(str(number)), {"v": float(number)})
        while (found := pruner.promotion()) is not None:
            pruner.promoted(*found)
            pruner.reached(*found, {"v": float(found[0])})
            reached.add(found[1])
    assert reached == {1, 3, 9, 27, 50}, "each is three times the one below, but for the last"


def test_a_report_at_the_top_stops_nothing_that_has_passed_the_last_level_before() -> None:
    pruner: Any = make_pruner("asha", Objectives("v"), {"max_resource": 50})
    for trial in ("0", "1"):
        assert not any(
            pruner.should_stop(trial, step, {"v": float(step - 60 * (step == 50))}, {}) for step in range(1, 51)
        )


def test_paused_trials_are_hopeless_when_no_arrival_can_make_room_for_them() -> None:
    rungs = Rungs((1, 3), 3)
    for number in range(6):
        rungs.reached(str(number), 1, number / 10)
    assert rungs.hopeless(100) == []
    assert sorted(rungs.hopeless(3)) == ["0", "1", "2"]
    assert sorted(rungs.hopeless(0)) == ["0", "1", "2", "3"]


def test_a_round_of_successive_halving_is_decided_when_it_is_full() -> None:
    pruner: Any = make_pruner("successive_halving", Objectives("v"), {"max_resource": 9})
    for number in range(8):
        pruner.reached(str(number), 1, {"v": number / 10})
        assert pruner.promotion() is None
    pruner.reached("8", 1, {})
    assert pruner.promotion() == ("7", 3)
    pruner.reached("9", 1, {"v": 1.0})
    pruner.reached("10", 1, {"v": 1.1})
    pruner.reached("11", 1, {"v": 1.2})
    pruner.close(12)
    for expected in ("7", "6", "5"):
        assert pruner.promotion() == (expected, 3)
        pruner.promoted(expected, 3)
    assert pruner.promotion() == ("11", 3), "the last round is smaller"


def test_the_chance_to_come_above_follows_the_curve() -> None:
    rising = {step: 1.0 - step**-0.5 for step in range(1, 13)}
    assert chance_above(rising, 100, 0.85) > 0.95
    assert chance_above(rising, 100, 0.97) < 0.05
    flat = dict.fromkeys(range(1, 13), 0.5)
    assert chance_above(flat, 100, 0.6) < 0.05
    assert chance_above(flat, 100, 0.4) == 1.0


def test_the_extrapolation_stops_the_hopeless_early_and_keeps_the_best() -> None:
    given = [[goal - 0.5 * step**-0.7 for step in range(1, 51)] for goal in (0.8, 0.7, 0.75, 0.4, 0.95, 0.6)]
    stops = ours("learning_curve", "max", given, {})
    assert stops[:3] == [None] * 3
    assert stops[4] is None
    assert stops[3] is not None
    assert stops[3] < 15
    assert stops[5] is not None


def test_pruning_by_several_objectives_spares_the_front() -> None:
    pruner: Any = make_pruner("multi_objective", Objectives({"a": "max", "t": "min"}), {"n_startup_trials": 4})
    for number, (a, t) in enumerate([(0.9, 9.0), (0.5, 1.0), (0.7, 3.0), (0.3, 4.0)]):
        assert not pruner.should_stop(str(number), 1, {"a": a, "t": t}, {})
        pruner.finished(str(number), True)
    assert not pruner.should_stop("5", 1, {"a": 0.1, "t": 0.5}, {}), "the quickest so far"
    assert pruner.should_stop("6", 1, {"a": 0.2, "t": 5.0}, {})
    assert pruner.should_stop("7", 1, {"a": 0.9}, {}), "what is not reported is lost"
    assert not pruner.should_stop("8", 2, {"a": 0.0, "t": 99.0}, {}), "nobody to compare with at this step"


@pytest.mark.parametrize("name", pruner_names())
def test_each_passes_the_suite(name: str) -> None:
    check_pruner(lambda: make_pruner(name, Objectives({"value": "max"}), {}))


def test_options_are_checked() -> None:
    assert pruner_options("asha") == ("min_resource", "max_resource", "reduction_factor")
    for options, said in [
        ({"reduction_factor": 1}, "reduction_factor"), ({"eta": 3}, "option 'eta' is unknown"),
        ({"min_resource": 9, "max_resource": 3}, "max_resource 3 is below min_resource 9"),
    ]:  # fmt: skip
        with pytest.raises(SearchError, match=said):
            make_pruner("asha", Objectives("v"), options)
    with pytest.raises(SearchError, match="for several use 'multi_objective'"):
        make_pruner("asha", Objectives(["a", "b"]))


def test_a_pruner_of_ones_own_has_a_name() -> None:
    class Never:
        def __init__(self, objectives: Objectives) -> None: ...

        def should_stop(self, trial_id: str, step: int, metrics: Any, history: Any) -> bool:
            return False

    register_pruner("never", Never)
    assert isinstance(make_pruner("never", Objectives("v")), Never)
