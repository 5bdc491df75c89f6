"""Differentiable search by name: one whole network is trained, its cells become trials."""

from pathlib import Path
from typing import Any

import pytest

from neuromosaic.core.architecture.spec import Input
from neuromosaic.core.errors import SearchError, SearchExhausted
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.strategies.catalogue import make_strategy
from neuromosaic.core.space.cells.layout import CellLayout
from neuromosaic.core.space.cells.spaces import CellSpace
from neuromosaic.core.space.ready.cells import summing_cells
from neuromosaic.core.space.space import SearchSpace
from neuromosaic.evaluation import TrainingEvaluator
from neuromosaic.search import ArchitectureSearch

LAYOUT = CellLayout(("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3"), nodes=1)
CELLS = summing_cells(LAYOUT, (Input("x", (1, 8, 8)),), 10, width=4, cells=1, stages=1)
QUICK = {"strategy": "differentiable", "epochs": 1, "learning_rate": 0.05}


def quick() -> TrainingEvaluator:
    return TrainingEvaluator("digits", mode="full_training", recipe=Recipe(epochs=1, batch_size=128))


def test_derived_cells_are_trials_of_the_evaluator_and_then_it_ends(tmp_path: Path) -> None:
    given: dict[str, Any] = {"space": CELLS, "evaluator": quick(), "store": tmp_path, **QUICK}
    search = ArchitectureSearch(**given)
    trials = search.run()
    assert 1 <= len(trials) <= 2, "the derived cell, and the plain one where that is another"
    assert all(trial.state == "complete" and CELLS.contains(trial.point) for trial in trials)
    assert "none" not in trials[0].point.values()
    assert search.best.metrics["accuracy"] > 0.1
    assert "derived no other cell" in search.summary()["notes"][-1]["exhausted"]
    again = ArchitectureSearch(**given).resume()
    assert [trial.point for trial in again] == [trial.point for trial in trials]
    given["evaluator"].close()


def test_several_searches_differ_by_their_seed_and_each_is_repeatable() -> None:
    evaluator = quick()

    def suggested(space: CellSpace) -> list[Any]:
        strategy: Any = make_strategy("differentiable", 0, Objectives("accuracy"), {"n_searches": 2, "epochs": 1})
        strategy.prepare(space, evaluator)
        points = []
        for number in range(5):
            try:
                points.append(strategy.suggest(space, number))
            except SearchExhausted:
                break
            strategy.update(points[-1], {"accuracy": 0.5})
        assert len(strategy.found) == 2
        assert strategy.found[0].losses != strategy.found[1].losses
        return points

    assert suggested(CELLS) == suggested(CELLS)
    evaluator.close()


def test_what_it_cannot_search_is_told_before_anything_is_trained() -> None:
    flat = SearchSpace({"width": {"type": "int", "min": 1, "max": 4}}, name="widths")
    with pytest.raises(SearchError, match="widths draws no network of all operations: use a space of cells"):
        ArchitectureSearch(space=flat, evaluator=quick(), **QUICK).run()
    with pytest.raises(SearchError, match="give evaluator='training' and data"):
        ArchitectureSearch(space=CELLS, evaluator=lambda network: 0.0, **QUICK).run()
    with pytest.raises(SearchError, match="give evaluator='training' and data"):
        ArchitectureSearch(space=CELLS, **QUICK).ask()
    alone = make_strategy("differentiable", 0, Objectives("accuracy"))
    with pytest.raises(SearchError, match="needs a search with evaluator='training'"):
        alone.suggest(CELLS, 0)


def test_a_cell_outside_the_limits_is_no_suggestion() -> None:
    narrow = CELLS.with_build(CELLS.architecture, [f"{LAYOUT.names[0]} == 'none'"])
    strategy: Any = make_strategy("differentiable", 0, Objectives("accuracy"), {"epochs": 1})
    strategy.prepare(narrow, evaluator := quick())
    with pytest.raises(SearchError, match="breaks the constraints of the space"):
        strategy.suggest(narrow, 0)
    evaluator.close()
