"""Trials of different lengths: a shorter one counts for what it proved to tell of longer ones, and no more."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from neuromosaic.core.search.kernel import Kernel
from neuromosaic.core.search.levels import PAIRS, Level, Levels, worth_a_level
from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.strategies.bayesian import BayesianSearch
from neuromosaic.core.search.strategies.memory import Memory
from neuromosaic.core.search.surrogate import Surrogate, judge
from neuromosaic.search import ArchitectureSearch, SearchSpace

LINE = SearchSpace({"x": {"type": "float", "min": 0.0, "max": 1.0}})
POINTS = [{"x": (number * 0.618) % 1} for number in range(45)]
Curve = Callable[[float], float]


def climbed(early: Curve, late: Curve, promoted: int = 15) -> Levels:
    """What is learnt where the best by their early score went on."""
    first = np.array([early(point["x"]) for point in POINTS])
    best = np.argsort(-first, kind="stable")[:promoted].tolist()
    levels = [
        Level(list(range(len(POINTS))), first),
        Level(best, np.array([late(POINTS[one]["x"]) for one in best])),
    ]
    return Levels(Kernel(LINE.parameters), POINTS, levels, [None, None])


def expected(levels: Levels, *places: float) -> list[float]:
    return levels.predict(Kernel(LINE.parameters).code([{"x": place} for place in places])).mean.tolist()


def test_where_early_scores_tell_the_end_they_count_where_nothing_else_is_known() -> None:
    levels = climbed(lambda x: x, lambda x: 5 + 2 * x)
    means = expected(levels, 0.1, 0.3, 0.5, 0.95)
    assert means == sorted(means), "the lower half was never promoted"
    assert POINTS[levels.rows[0]]["x"] > 0.95


def test_where_they_mislead_the_longer_trainings_overrule_them() -> None:
    levels = climbed(lambda x: x, lambda x: -x)
    means = expected(levels, 0.7, 0.8, 0.9, 0.99)
    assert means == sorted(means, reverse=True)
    assert POINTS[levels.rows[0]]["x"] < 0.8


def test_what_was_seen_at_the_highest_level_is_in_less_doubt_than_what_was_not() -> None:
    levels = climbed(lambda x: x, lambda x: math.sin(9 * x))
    doubt = levels.predict(Kernel(LINE.parameters).code([{"x": 0.1}, {"x": 0.9}])).deviation
    assert doubt[0] > 2 * doubt[1]


def test_trials_in_flight_leave_less_doubt_and_the_same_expectation() -> None:
    levels = climbed(lambda x: x, lambda x: math.sin(9 * x))
    code = Kernel(LINE.parameters).code([{"x": 0.2}])
    before = levels.predict(code)
    levels.believe(code)
    after = levels.predict(code)
    assert after.mean == pytest.approx(before.mean, abs=0.05)
    assert after.deviation[0] < 0.5 * before.deviation[0]


def test_failures_at_a_level_are_its_worst() -> None:
    levels = climbed(lambda x: x, lambda x: -math.inf if x > 0.9 else x)
    assert expected(levels, 0.85)[0] > expected(levels, 0.97)[0]
    assert math.isfinite(levels.best)


@pytest.mark.parametrize(
    ("reached", "counted"),
    [
        ([range(20), range(6), range(2)], [0, 1]),
        ([range(20), range(18), range(6)], [1, 2]),
        ([range(3), range(3, 4)], [0]),
        ([range(8), range(8, 16)], [0, 1]),
        ([range(8), range(8)], [1]),
    ],
    ids=["too few came to the last", "nearly all went on", "none has enough", "brackets", "all went on"],
)
def test_a_level_counts_where_enough_came_and_enough_ended(reached: list[range], counted: list[int]) -> None:
    assert list(worth_a_level([set(one) for one in reached])) == counted
    assert PAIRS == 4


# ------------------------------------------------------------ told how long, against not told

SQUARE = SearchSpace({"x": {"type": "float", "min": 0.0, "max": 1.0}, "y": {"type": "float", "min": 0.0, "max": 1.0}})
STEPS = (1, 3, 9, 27)


def worth(point: Any) -> float:
    return float(-4 * (point["x"] - 0.4) ** 2 - 4 * (point["y"] - 0.3) ** 2)


CURVES: dict[str, Callable[[Any, int], float]] = {
    "parallel": lambda point, step: worth(point) - 1 / step,
    "crossing": lambda point, step: worth(point) - 3 * math.exp(-step / (1 + 12 * point["y"])),
    "slow": lambda point, step: worth(point) - 6 * math.exp(-step / (1 + 8 * (1 - point["x"]))),
    "falling": lambda point, step: worth(point) + 3 * point["x"] * (1 - step / 27) ** 2,
    "silent": lambda point, step: worth(point) if step == 27 else math.sin(1e4 * point["x"] * step),
}


def halved(curve: Callable[[Any, int], float], seed: int, is_told: bool) -> Memory:
    """A third of 81 even draws goes on from each level to the next."""
    memory, points = Memory(), SQUARE.sample_many(81, seed)
    for step in STEPS:
        for point in points:
            memory.tell(point, {"v": curve(point, step)}, step if is_told else None)
        points = sorted(points, key=lambda point: -curve(point, step))[: len(points) // 3]
    return memory


def found(curve: Callable[[Any, int], float], is_told: bool) -> float:
    """What the points of which most is expected come to in the end, mean over seeds."""
    there = SQUARE.sample_many(400, 9)
    ends = []
    for seed in range(6):
        fitted = Surrogate(SQUARE).fit(halved(curve, seed, is_told), Objectives("v"))
        best = np.argsort(-fitted.predict(there).mean)[:5]
        ends += [worth(there[one]) for one in best]
    return float(np.mean(ends))


@pytest.mark.parametrize("family", CURVES)
def test_who_is_told_how_long_trials_were_trained_finds_no_worse_than_who_is_not(family: str) -> None:
    spread = float(np.std([worth(point) for point in SQUARE.sample_many(400, 9)]))
    assert found(CURVES[family], True) > found(CURVES[family], False) - 0.1 * spread


def test_who_is_told_finds_better_where_curves_cross() -> None:
    assert found(CURVES["crossing"], True) > 0.5 * found(CURVES["crossing"], False), "nearer to 0"


# ------------------------------------------------------------ in a search


def test_a_point_seen_at_several_levels_is_one_trial() -> None:
    memory = Memory()
    for number in range(12):
        memory.tell({"x": number / 12}, {"v": number / 12}, 1)
    for number in range(6, 12):
        memory.tell({"x": number / 12}, {"v": 2 - number / 12}, 3)
    told = judge(memory, Objectives("v"))
    assert (len(told.points), list(told.levels)) == (12, [1, 3])
    fitted = Surrogate(LINE).fit(memory, Objectives("v"))
    assert fitted.points[0]["x"] <= 0.5, "the longer training counts"
    means = fitted.predict([{"x": 0.5}, {"x": 1.0}]).mean
    assert means[0] > means[1]


class Noting(BayesianSearch):
    """Writes down what it is told."""

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.told: list[tuple[Any, float | None, float]] = []

    def update(self, architecture: Any, metrics: Mapping[str, float], fidelity: float | None = None) -> None:
        self.told.append((architecture["x"], fidelity, metrics.get("v", math.nan)))
        super().update(architecture, metrics, fidelity)


def test_the_engine_says_at_which_level_figures_were_reached() -> None:
    strategy = Noting(0, Objectives("v"))
    search = ArchitectureSearch(
        space=LINE, evaluator=lambda point, fidelity: fidelity * point["x"], strategy=strategy, pruner="asha",
        max_resource=9, objectives="v", max_trials=30,
    )  # fmt: skip
    search.run()
    assert {fidelity for _, fidelity, _ in strategy.told} == {1, 3, 9}
    assert search.best.point["x"] > 0.9
    strategy.told.clear()
    ArchitectureSearch(space=LINE, evaluator=lambda p: p["x"], strategy=strategy, objectives="v", max_trials=3).run()
    assert {fidelity for _, fidelity, _ in strategy.told} == {None}


def reporting(point: Any, report: Any) -> dict[str, float]:
    """An error that grows: what is cut short looks better than it is."""
    for step in range(1, 13):
        error = (1 + abs(point["x"] - 0.3)) * step
        if report(step, {"v": error}):
            break
    return {"v": error}


def test_what_was_cut_short_is_told_by_its_length_and_never_as_if_it_were_final() -> None:
    strategy = Noting(0, Objectives({"v": "min"}))
    search = ArchitectureSearch(
        space=LINE, evaluator=reporting, strategy=strategy, pruner="median", objectives={"v": "min"}, max_trials=30,
        n_startup_trials=4,
    )  # fmt: skip
    search.run()
    pruned = {trial.point["x"] for trial in search.trials if trial.state == "pruned"}
    complete = {trial.point["x"] for trial in search.trials if trial.state == "complete"}
    assert len(pruned) >= 4
    final = {x: value for x, fidelity, value in strategy.told if fidelity is None}
    assert final.keys() == complete
    assert min(final.values()) >= 12
    assert {fidelity for x, fidelity, _ in strategy.told if x in pruned} <= {1, 3, 9}
    assert {fidelity for x, fidelity, _ in strategy.told if x in complete} == {1, 3, 9, None}
    assert search.best.point["x"] == pytest.approx(0.3, abs=0.02), "and it is not misled by them"


def test_without_a_pruner_only_ends_are_told() -> None:
    strategy = Noting(0, Objectives({"v": "min"}))
    ArchitectureSearch(
        space=LINE, evaluator=reporting, strategy=strategy, objectives={"v": "min"}, max_trials=5
    ).run()
    assert [fidelity for _, fidelity, _ in strategy.told] == [None] * 5
