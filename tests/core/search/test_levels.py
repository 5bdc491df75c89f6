"""Trials of different lengths are compared by what shorter ones proved to tell of longer ones."""

import math
import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromosaic.core.search.levels import PAIRS, _hard, _soft, levelled
from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.strategies.bayesian import BayesianSearch
from neuromosaic.core.search.strategies.memory import Memory
from neuromosaic.core.search.surrogate import Surrogate, judge
from neuromosaic.search import ArchitectureSearch, SearchSpace

LINE = SearchSpace({"x": {"type": "float", "min": 0.0, "max": 1.0}})


def climbed(early: Any, late: Any, promoted: int = 12, trials: int = 60) -> np.ndarray:
    """Scores at two levels of trials by their worth in [0, 1): the best at the lower one went on to the upper."""
    worths = [random.Random(n).random() for n in range(trials)]
    seen = np.array([[early(worth), math.nan] for worth in worths])
    for number in np.argsort(-seen[:, 0])[:promoted]:
        seen[number, 1] = late(worths[number])
    return seen


def test_a_score_is_carried_by_the_line_that_pairs_tell() -> None:
    seen = climbed(lambda worth: worth - 5, lambda worth: 10 * worth)
    found = levelled(seen)
    short = np.isnan(seen[:, 1])
    due = 10 * (seen[:, 0] + 5)
    assert np.corrcoef(found.scores[short], due[short])[0, 1] > 0.85, "far below what was promoted: by logarithm"
    best = np.flatnonzero(short)[np.argmax(seen[short, 0])]
    assert found.scores[best] == pytest.approx(due[best], abs=1.0)
    assert (found.scores[~short] == seen[~short, 1]).all()


def test_what_early_scores_are_worth_is_measured() -> None:
    telling = levelled(climbed(lambda worth: worth, lambda worth: 2 * worth))
    silent = levelled(climbed(lambda worth: worth, lambda worth: random.Random(worth).random()))
    assert telling.doubt.max() < 0.15
    assert silent.doubt.max() > 3 * telling.doubt.max()
    assert telling.doubt.min() == 0, "what was seen at the level is in no doubt"


def test_a_level_counts_once_enough_trials_came_to_it() -> None:
    few = climbed(lambda worth: worth, lambda worth: -1.0, promoted=PAIRS - 1)
    assert (levelled(few).scores == few[:, 0]).all()


def test_scores_are_carried_over_several_levels_and_what_was_seen_above_the_last_is_left_out() -> None:
    worth = np.linspace(0, 1, 40)
    seen = np.column_stack(
        [worth, np.where(worth > 0.5, worth + 1, np.nan), np.where(worth > 0.8, worth + 2, np.nan)]
    )
    assert np.corrcoef(levelled(seen).scores, worth)[0, 1] > 0.95
    top = np.column_stack([seen, np.where(worth > 0.95, -9.0, np.nan)])
    assert (levelled(top).scores == levelled(seen).scores).all(), "two trials are too few to carry the others there"


def test_failures_stay_failures_and_brackets_that_begin_higher_have_their_place() -> None:
    others = [[-math.inf, math.nan], [0.9, -math.inf], [math.nan, 0.5]]
    found = levelled(np.vstack([climbed(lambda worth: worth, lambda worth: worth), others]))
    assert found.scores[-3:].tolist() == [-math.inf, -math.inf, 0.5]
    assert np.isfinite(found.targets).all()
    nan = math.nan
    above = levelled(np.array([[0.1, nan], [0.2, nan], [0.3, nan], [nan, 0.9], [nan, 0.8]]))
    assert above.scores.tolist() == [0.1, 0.2, 0.3, 0.9, 0.8], "nothing says how one leads to the other"


@given(st.floats(-1e6, 1e6))
def test_softening_can_be_undone(value: float) -> None:
    assert float(_hard(_soft(np.array(value)))) == pytest.approx(value, rel=1e-6, abs=1e-9)


# ------------------------------------------------------------ in a search


def test_a_point_seen_at_several_levels_is_one_trial() -> None:
    memory = Memory()
    for number in range(12):
        memory.tell({"x": number / 12}, {"v": number / 12}, 1)
    for number in range(6, 12):
        memory.tell({"x": number / 12}, {"v": 2 - number / 12}, 3)
    judged = judge(memory, Objectives("v"))
    assert len(judged.points) == 12
    assert judged.points[int(np.argmax(judged.scores))] == {"x": 0.5}, "the longer training counts"
    fitted = Surrogate(LINE).fit(memory, Objectives("v"))
    expected = fitted.predict([{"x": 0.5}, {"x": 1.0}]).mean
    assert expected[0] > expected[1]


def test_the_engine_says_at_which_level_figures_were_reached() -> None:
    told: list[tuple[float | None, float]] = []

    class Noting(BayesianSearch):
        def update(self, architecture: Any, metrics: Mapping[str, float], fidelity: float | None = None) -> None:
            told.append((fidelity, metrics.get("v", math.nan)))
            super().update(architecture, metrics, fidelity)

    strategy = Noting(0, Objectives("v"))
    search = ArchitectureSearch(
        space=LINE, evaluator=lambda point, fidelity: fidelity * point["x"], strategy=strategy, pruner="asha",
        max_resource=9, objectives="v", max_trials=30,
    )  # fmt: skip
    search.run()
    assert {fidelity for fidelity, _ in told} == {1, 3, 9}
    assert search.best.point["x"] > 0.9
    told.clear()
    ArchitectureSearch(space=LINE, evaluator=lambda p: p["x"], strategy=strategy, objectives="v", max_trials=3).run()
    assert {fidelity for fidelity, _ in told} == {None}
