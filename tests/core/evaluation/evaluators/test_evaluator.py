"""The evaluator that ships, on real data through a real judge."""

import doctest
import math
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from neuromosaic.core.architecture.spec import ArchitectureSpec, Input
from neuromosaic.core.errors import ArchitectureError, CandidateError, UsageError
from neuromosaic.core.evaluation.checkpoint import FILE, is_there
from neuromosaic.core.evaluation.data.dataset import Dataset
from neuromosaic.core.evaluation.evaluators import comparing
from neuromosaic.core.evaluation.evaluators import evaluator as module
from neuromosaic.core.evaluation.evaluators.auto import Auto, fitted
from neuromosaic.core.evaluation.evaluators.evaluator import MODES, TrainingEvaluator
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.stacked_trials import run_stacked_trials
from neuromosaic.core.judge.process import ProcessJudge
from neuromosaic.core.search.study import ArchitectureSearch
from neuromosaic.core.search.trials import Trial
from neuromosaic.core.space.cells.layout import CellLayout
from neuromosaic.core.space.ready.cells import summing_cells
from neuromosaic.core.space.space import SearchSpace
from neuromosaic.testing.evaluators import check_evaluator

RECIPE = Recipe(epochs=4, learning_rate=5e-3)


@pytest.fixture(scope="module")
def judge() -> Iterator[ProcessJudge]:
    judge = ProcessJudge(workers=1)
    yield judge
    judge.close()


@pytest.fixture(scope="module")
def data(judge: ProcessJudge) -> Dataset:
    return TrainingEvaluator("digits", mode="full_training", judge=judge).dataset


def timeless(metrics: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if name != "seconds"}


def mlp(width: int, activation: str = "relu") -> ArchitectureSpec:
    return ArchitectureSpec.chain(
        (1, 8, 8), ("flatten", {}), ("linear", {"features": width}), (activation, {}), ("linear", {"features": 10})
    )


@pytest.fixture
def make(judge: ProcessJudge, data: Dataset) -> Any:
    def make(mode: str, **options: Any) -> TrainingEvaluator:
        return TrainingEvaluator(data, mode=mode, judge=judge, **{"recipe": RECIPE, **options})

    return make


def test_full_training_scores_and_is_repeatable(make: Any) -> None:
    evaluator = make("full_training")
    first, again = (evaluator.evaluate(mlp(32)) for _ in range(2))
    assert first["accuracy"] > 0.85
    assert first["epochs"] == 4
    assert first["parameters"] == mlp(32).infer().parameters
    assert first["flops"] > 0
    assert {"loss", "macro_f1"} <= first.keys()
    assert {**first, "seconds": 0} == {**again, "seconds": 0}
    assert all(math.isfinite(value) for value in first.values())


def test_the_seed_changes_the_weights_that_a_network_starts_from(make: Any) -> None:
    one, other = (make("full_training", seed=seed).evaluate(mlp(32), fidelity=0.25)["loss"] for seed in (0, 1))
    assert one != other


def test_fidelity_is_a_share_of_the_epochs_and_a_report_ends_a_training(make: Any) -> None:
    evaluator, told = make("full_training"), []
    assert evaluator.evaluate(mlp(16), fidelity=0.5)["epochs"] == 2
    assert evaluator.evaluate(mlp(16), fidelity=1)["epochs"] == 1
    assert evaluator.evaluate(mlp(16), fidelity=99)["epochs"] == 4

    def report(epoch: int, value: float) -> bool:
        told.append((epoch, value))
        return epoch == 3

    assert evaluator.evaluate(mlp(16), report=report)["epochs"] == 3
    assert [epoch for epoch, _ in told] == [1, 2, 3]
    assert all(0 < value <= 1 for _, value in told)


@pytest.mark.parametrize("mode", ["full_training", "auto", "early_stopping"])
def test_a_paused_trial_goes_on_where_it_was(make: Any, tmp_path: Path, mode: str) -> None:
    evaluator, told = make(mode), list[int]()
    whole = evaluator.evaluate(mlp(24))
    first = evaluator.evaluate(mlp(24), fidelity=1, checkpoint=tmp_path)
    assert first["epochs"] == 1
    assert is_there(tmp_path)
    assert timeless(evaluator.evaluate(mlp(24), fidelity=1, checkpoint=tmp_path)) == timeless(first)
    again = evaluator.evaluate(
        mlp(24), fidelity=3, checkpoint=tmp_path, report=lambda epoch, _: told.append(epoch) or False
    )
    assert (told, again["epochs"]) == ([2, 3], 3)
    assert timeless(evaluator.evaluate(mlp(24), checkpoint=tmp_path)) == timeless(whole)
    assert not is_there(tmp_path)


def test_levels_are_whole_epochs_also_of_a_recipe_that_ends_in_a_part_of_one(make: Any, tmp_path: Path) -> None:
    evaluator = make("full_training", recipe=Recipe(epochs=2.5))
    found = [evaluator.evaluate(mlp(4), fidelity=level, checkpoint=tmp_path)["epochs"] for level in (1, 2, 3)]
    assert found == [1, 2, 3]
    assert not is_there(tmp_path)


def test_two_networks_are_compared_over_seeds_and_examples(make: Any, data: Dataset) -> None:
    evaluator = make("full_training", recipe=Recipe(epochs=2, learning_rate=5e-3))
    found = evaluator.compare(mlp(64), mlp(2), seeds=(0, 1, 2))
    assert (found.seeds, found.examples) == (3, len(data.validation))
    assert found.low > 0.1
    assert found.p < 0.05
    assert evaluator.compare(mlp(8), mlp(8), seeds=(0,)).mean == 0
    with pytest.raises(UsageError, match="different ones"):
        evaluator.compare(mlp(8), mlp(4), seeds=(1, 1))


def test_seeds_trained_side_by_side_are_worth_what_they_are_alone(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluator, stacks = make("full_training", recipe=Recipe(epochs=2, learning_rate=5e-3)), list[int]()

    def counted(judge: Any, graphs: Any, *rest: Any, **more: Any) -> Any:
        stacks.append(len(graphs))
        return run_stacked_trials(judge, graphs, *rest, **more)

    monkeypatch.setattr(comparing, "run_stacked_trials", counted)
    monkeypatch.setattr(comparing, "WORTHWHILE", 0.0)  # whatever the clock says
    alone = evaluator.compare(mlp(64), mlp(2), seeds=(0, 1, 2), side_by_side=False)
    assert stacks == []
    together = evaluator.compare(mlp(64), mlp(2), seeds=(0, 1, 2))
    assert stacks == [3, 3]
    assert together.mean == pytest.approx(alone.mean, abs=0.02)


def test_a_folder_holds_one_training(make: Any, tmp_path: Path) -> None:
    evaluator = make("full_training")
    evaluator.evaluate(mlp(4), fidelity=1, checkpoint=tmp_path)
    with pytest.raises(UsageError, match="another training"):
        evaluator.evaluate(mlp(5), fidelity=1, checkpoint=tmp_path)


def test_a_search_pauses_promotes_and_leaves_no_checkpoint_behind(make: Any, tmp_path: Path) -> None:
    space = SearchSpace(
        {"width": {"type": "ordinal", "values": [1, 2, 3, 32]}}, build=lambda point: mlp(point["width"])
    )
    kept: list[int] = []

    def count(search: ArchitectureSearch, trial: Trial) -> None:
        kept.append(len([*(tmp_path / "checkpoints").rglob(FILE)]))

    search = ArchitectureSearch(
        space=space, evaluator=make("auto"), strategy="grid", pruner="asha", max_trials=4, store=tmp_path,
        min_resource=1, max_resource=4, reduction_factor=2, callbacks=[count],
    )  # fmt: skip
    trials = search.run()
    assert search.best.point == {"width": 32}
    assert search.best.metrics["epochs"] == 4
    assert sum(trial.metrics["epochs"] for trial in trials) < 4 * 4
    assert max(kept) > 0
    assert kept[-1] == 0


def test_a_search_over_networks_and_recipes(judge: ProcessJudge, data: Dataset) -> None:
    space = SearchSpace({"width": {"type": "int", "min": 2, "max": 64}}, build=lambda point: mlp(point["width"]))
    search = ArchitectureSearch(
        space=space, evaluator="full_training", data=data, strategy="random", max_trials=2,
        evaluator_options={"search_recipe": True, "recipe": Recipe(epochs=2), "judge": judge},
    )  # fmt: skip
    assert all(trial.metrics["epochs"] == 2 for trial in search.run())
    assert {"recipe_optimizer", "width"} <= search.best.point.keys()
    assert search.architecture(search.best).recipe.epochs == 2


def test_early_stopping_ends_a_training_that_gets_no_better(make: Any) -> None:
    recipe = Recipe(epochs=40, learning_rate=0.1, patience=2)
    assert make("early_stopping", recipe=recipe).evaluate(mlp(64))["epochs"] < 20


def test_a_small_task_ranks_before_the_best_third_is_trained_in_full(make: Any) -> None:
    evaluator = make("proxy_tasks")
    assert "too few" in evaluator.worth()[0]
    found = [evaluator.evaluate(mlp(width)) for width in (64, 2, 48, 3)]
    assert [one["full"] for one in found[:2]] == [1, 0]
    assert found[1]["epochs"] == 1
    assert found[0]["accuracy"] > found[3]["accuracy"]
    evaluator.evaluate(mlp(256))
    assert "Spearman" in evaluator.worth()[0]


def test_weights_are_shared_over_the_space(make: Any) -> None:
    layout = CellLayout(("skip_connect", "nor_conv_3x3", "avg_pool_3x3"), nodes=1)
    space = summing_cells(layout, (Input("x", (1, 8, 8)),), 10, width=8, cells=1, stages=1)
    evaluator = make("weight_sharing", space=space)
    scores = {
        point["op_0_1"]: evaluator.evaluate(space.architecture(point))["accuracy"] for point in space.enumerate()
    }
    assert scores["nor_conv_3x3"] == max(scores.values()) > 0.6
    with pytest.raises(ArchitectureError, match="specs alone"):
        evaluator.evaluate({"width": 3})


def test_prediction_trains_some_and_then_what_is_not_ruled_out(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neuromosaic.core.evaluation.evaluators.prediction.FIRST", 8)
    evaluator = make("performance_prediction", recipe=Recipe(epochs=2, learning_rate=5e-3))
    first = [evaluator.evaluate(mlp(width)) for width in (1, 2, 3, 4, 8, 16, 32, 96)]
    assert all(one["predicted"] == 0 for one in first)
    poor, good = evaluator.evaluate(mlp(1, "tanh")), evaluator.evaluate(mlp(128))
    assert (poor["predicted"], good["predicted"]) == (1, 0)
    assert poor["deviation"] > 0
    assert poor["accuracy"] < good["accuracy"]
    assert any("parameters: Spearman" in sentence for sentence in evaluator.worth())


def test_auto_spends_on_the_hopeless_only_what_it_takes_to_see_it(make: Any) -> None:
    evaluator = make("auto", recipe=Recipe(epochs=8, learning_rate=5e-3))
    first = [evaluator.evaluate(mlp(width)) for width in (16, 8, 4, 3)]
    assert all(one["epochs"] == 8 for one in first)
    assert evaluator.evaluate(mlp(1, "tanh"))["epochs"] <= 2
    assert evaluator.evaluate(mlp(128))["epochs"] == 8
    assert evaluator.evaluate(mlp(1), fidelity=0.25)["epochs"] == 2


def test_auto_believes_a_look_only_as_far_as_it_agreed_with_the_end(make: Any) -> None:
    auto = make("auto", recipe=Recipe(epochs=8))._way
    for number in range(8):
        auto._learn([0.1 * number] * 8, {})
    assert "used" in auto.worth()[0]
    assert auto.line(1).most(0.3) < auto.best()
    auto._finished[:] = [[0.5, *[0.1 * n] * 7] for n in range(8)]
    assert "dropped" in auto.worth()[0]
    assert auto.line(1).most(0.0) == math.inf


def test_the_best_third_goes_on(make: Any) -> None:
    auto = make("auto", recipe=Recipe(epochs=8))._way
    assert [auto.is_behind(1, merit) for merit in (0.5, 0.1, 0.9, 0.3)] == [False] * 4
    assert [auto.is_behind(1, merit) for merit in (0.2, 0.6, 0.45, 0.2)] == [True, False, True, True]


def test_long_trainings_that_proxies_rule_out_end_at_the_first_look(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neuromosaic.core.evaluation.evaluators.auto.PROXIES_PAY", 1)
    monkeypatch.setattr("neuromosaic.core.evaluation.evaluators.prediction.FIRST", 8)
    evaluator = make("auto", recipe=Recipe(epochs=2, learning_rate=5e-3))
    for width in (1, 2, 3, 4, 8, 16, 32, 96):
        evaluator.evaluate(mlp(width))
    assert evaluator.evaluate(mlp(1, "tanh"))["epochs"] == 1
    assert any("predictor" in sentence for sentence in evaluator.worth())


def test_an_early_look_that_tells_nothing_is_not_believed() -> None:
    told = fitted([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9], [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.1])
    assert told.worth.used
    assert told.most(0.5) < 0.8
    nothing = fitted([0.5, 0.1, 0.9, 0.3, 0.7, 0.2, 0.8, 0.4], [0.5, 0.6, 0.5, 0.6, 0.7, 0.7, 0.6, 0.5])
    assert not nothing.worth.used
    assert nothing.most(0.0) == math.inf


def test_a_way_of_its_own_to_fail_is_an_outcome(make: Any) -> None:
    with pytest.raises(CandidateError, match="diverged"):
        make(
            "full_training", recipe=Recipe(learning_rate=10, optimizer="sgd", gradient_clip=None, epochs=2)
        ).evaluate(
            ArchitectureSpec.chain(
                (1, 8, 8), ("flatten", {}), *[("linear", {"features": 64})] * 6, ("linear", {"features": 10})
            )
        )
    with pytest.raises(ArchitectureError, match="has no to_model"):
        make("full_training").evaluate({"width": 8})


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"mode": "ful_training"}, "did you mean 'full_training'"),
        ({"mode": "weight_sharing"}, "give the evaluator that space"),
        ({"metric": "rmse"}, "no metric of classification"),
        ({"task": "regression"}, "the data are for classification"),
        ({"task": "clasification"}, "did you mean 'classification'"),
        ({"recipe": Recipe(loss="mse")}, "cannot train classification"),
    ],
)
def test_what_does_not_fit_is_refused(judge: ProcessJudge, data: Dataset, options: Any, fault: str) -> None:
    with pytest.raises(UsageError, match=fault):
        TrainingEvaluator(data, judge=judge, **options)


def test_a_fidelity_outside_its_range_is_refused(make: Any) -> None:
    with pytest.raises(UsageError, match="fidelity"):
        make("auto").evaluate(mlp(4), fidelity=0)


SLOW = ("weight_sharing", "performance_prediction", "proxy_tasks")


@pytest.mark.parametrize("mode", [pytest.param(x, marks=pytest.mark.soak) if x in SLOW else x for x in MODES])
def test_every_mode_conforms(make: Any, judge: ProcessJudge, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    monkeypatch.setattr(module, "_judge", lambda device: judge)  # where it travelled to
    monkeypatch.setattr(judge, "close", lambda: None)
    space = SearchSpace({"width": {"type": "int", "min": 2, "max": 16}}, build=lambda point: mlp(point["width"]))
    check_evaluator(lambda: make(mode, recipe=Recipe(epochs=3), space=space), mlp(8))


def test_every_mode_is_tried_here_and_named_in_the_docstring() -> None:
    assert all(f"`{mode}`" in (TrainingEvaluator.__doc__ or "") for mode in MODES)


def test_the_example_of_the_docstring_with_a_worker_of_its_own() -> None:
    assert doctest.testmod(module).failed == 0


def test_it_travels_by_its_settings(make: Any, judge: ProcessJudge) -> None:
    evaluator = TrainingEvaluator("digits", recipe=RECIPE, judge=judge, mode="full_training")
    before = pickle.dumps(vars(evaluator))
    first = evaluator.evaluate(mlp(8), fidelity=1)
    assert pickle.dumps(vars(evaluator)) == before
    there = pickle.loads(pickle.dumps(evaluator))
    assert there.primary == "accuracy"
    there._here.trials.judge = judge
    assert there.evaluate(mlp(8), fidelity=1)["loss"] == first["loss"]
    there.close()


def test_looks_are_inside_the_training(make: Any) -> None:
    assert isinstance(make("auto")._way, Auto)
    assert make("auto", recipe=Recipe(epochs=1))._way.looks == []
