"""Stacked trials through a real judge: locked, in processes of their own."""

import math
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from neuromosaic.core.brief import Contract, TensorSpec
from neuromosaic.core.errors import UsageError, WorkerError
from neuromosaic.core.evaluation.data import room
from neuromosaic.core.evaluation.data.dataset import Split
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.stacked_trials import run_stacked_trials, stacking_gain, too_large
from neuromosaic.core.evaluation.trial import run_trial
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.graph.export import export_module
from neuromosaic.core.judge.process import ProcessJudge
from neuromosaic.core.proposals import MetricsPlan
from neuromosaic.core.protocols import Message

CONTRACT = Contract(
    task="classification", input=TensorSpec(shape=(64,)), output=TensorSpec(shape=(10,)), kind="tabular"
)
PLAN = MetricsPlan(loss="cross_entropy", primary="accuracy", report=("macro_f1",))
RECIPES = [Recipe(epochs=3, learning_rate=rate) for rate in (1e-3, 5e-3, 10.0)]


@pytest.fixture(scope="module")
def judge() -> Iterator[ProcessJudge]:
    judge = ProcessJudge(workers=1)
    yield judge
    judge.close()


def graph(seed: int, width: int = 16) -> Graph:
    torch.manual_seed(seed)
    return export_module(nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10)), (torch.randn(4, 64),))


@pytest.fixture(scope="module")
def data(digits: SimpleNamespace) -> Any:
    flat = {name: Split(part.x.reshape(len(part.x), 64), part.y) for name, part in vars(digits).items()}
    plain = SimpleNamespace(unscale_targets=lambda y: y, naive_error=math.nan)
    return SimpleNamespace(contract=CONTRACT, preprocessing=plain, **flat)


def test_each_outcome_is_that_of_the_trial_alone(judge: ProcessJudge, data: Any) -> None:
    graphs = [graph(seed) for seed in range(3)]
    outcomes = run_stacked_trials(judge, graphs, data, RECIPES, PLAN, fidelity=1, seeds=[0, 1, 2])
    for number, outcome in enumerate(outcomes[:2]):
        single = run_trial(judge, graphs[number], data, RECIPES[number], PLAN, fidelity=1, seed=number)
        assert outcome.metrics == pytest.approx(single.metrics, abs=5e-3)
        assert [row["loss"] for row in outcome.curve] == pytest.approx(
            [row["loss"] for row in single.curve], rel=1e-3
        )
        assert outcome.weights.keys() == single.weights.keys()
        assert outcome.cause == single.cause == "finished"


def test_the_gain_is_told_and_zero_where_there_is_no_stack(judge: ProcessJudge, data: Any) -> None:
    assert stacking_gain(judge, graph(0), data, RECIPES[0], 16) > 1
    drawing = export_module(nn.Sequential(nn.Dropout(0.5), nn.Linear(64, 10)), (torch.randn(4, 64),))
    assert stacking_gain(judge, drawing, data, RECIPES[0], 16) == 0


def test_other_structures_are_refused(judge: ProcessJudge, data: Any) -> None:
    with pytest.raises(UsageError, match="structure"):
        run_stacked_trials(judge, [graph(0), graph(0, 8)], data, RECIPES[:2], PLAN, fidelity=1, seeds=[0, 1])


def taken_to_disk(data: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv(room.VARIABLE, "0.01")
    parts = {name: Split(room.taken(part.x, np.arange(len(part.x))), part.y)
             for name, part in (("train", data.train), ("validation", data.validation))}  # fmt: skip
    return SimpleNamespace(contract=data.contract, preprocessing=data.preprocessing, **parts)


def test_data_on_the_disk_train_one_after_another_and_say_so(
    judge: ProcessJudge, data: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    graphs = [graph(seed) for seed in range(2)]
    expected = [
        run_trial(judge, one, data, RECIPES[0], PLAN, fidelity=1, seed=seed) for seed, one in enumerate(graphs)
    ]
    away = taken_to_disk(data, monkeypatch)
    outcomes = run_stacked_trials(judge, graphs, away, RECIPES[:1] * 2, PLAN, fidelity=1, seeds=[0, 1])
    assert [outcome.metrics for outcome in outcomes] == [outcome.metrics for outcome in expected]
    assert all("one after another, for the data lie on the disk" in outcome.message for outcome in outcomes)


def test_outputs_of_too_many_members_are_not_held_at_once(data: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert too_large(data, 32) == ""
    monkeypatch.setenv(room.VARIABLE, "0.1")
    size = 32 * len(data.validation.x) * 10 * 4 / 1e6
    assert too_large(data, 32) == f"their outputs would take {size:,.0f} MB"


class Tight:
    """A judge in whose worker one training has room, and several side by side have not."""

    def __init__(self, real: ProcessJudge) -> None:
        self.real, self.kinds = real, list[str]()

    def run(self, job: Any, converse: Any = None) -> Message:
        self.kinds.append(job.kind)
        if job.kind == "train_stacked":
            raise WorkerError("killed", "memory")
        return self.real.run(job, converse)

    def warm_up(self) -> None: ...

    def close(self) -> None: ...


def test_what_runs_out_of_memory_side_by_side_is_trained_one_after_another(judge: ProcessJudge, data: Any) -> None:
    tight = Tight(judge)
    outcomes = run_stacked_trials(tight, [graph(0)] * 2, data, RECIPES[:2], PLAN, fidelity=1, seeds=[0, 1])
    assert tight.kinds == ["train_stacked", "train", "train"]
    assert [outcome.cause for outcome in outcomes] == ["finished", "finished"]
    assert all("memory ran out side by side" in outcome.message for outcome in outcomes)


class Failing:
    """A judge whose worker ends as it was told to."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def run(self, job: Any, converse: Any = None) -> Message:
        if isinstance(self.error, ValueError):
            return converse(Message({"train_losses": []}))
        raise self.error

    def warm_up(self) -> None: ...

    def close(self) -> None: ...


def test_a_lost_worker_is_an_outcome_of_every_member(data: Any) -> None:
    lost = Failing(WorkerError("killed", "memory"))
    outcomes = run_stacked_trials(lost, [graph(0)] * 2, data, RECIPES[:2], PLAN, fidelity=1, seeds=[0, 1])
    assert [outcome.cause for outcome in outcomes] == ["memory", "memory"]
    with pytest.raises(WorkerError, match="setup"):
        run_stacked_trials(
            Failing(WorkerError("setup", "setup")), [graph(0)], data, RECIPES[:1], PLAN, fidelity=1, seeds=[0]
        )


def test_a_report_of_other_members_is_the_workers_fault(data: Any) -> None:
    outcomes = run_stacked_trials(Failing(ValueError()), [graph(0)], data, RECIPES[:1], PLAN, fidelity=1, seeds=[0])
    assert outcomes[0].cause == "crash"
