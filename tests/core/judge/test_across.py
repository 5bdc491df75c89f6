"""One training by several processes gives what one process gives."""

import importlib.util
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from neuromosaic.core.brief import Contract, TensorSpec
from neuromosaic.core.errors import CandidateError, UsageError
from neuromosaic.core.evaluation.data.dataset import Split
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.trial import TrialOutcome, run_trial
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.graph.export import export_module
from neuromosaic.core.graph.rebuild import rebuild
from neuromosaic.core.graph.tensors import to_torch
from neuromosaic.core.judge import across, member
from neuromosaic.core.judge.across import AcrossDevices
from neuromosaic.core.judge.process import ProcessJudge
from neuromosaic.core.proposals import MetricsPlan
from neuromosaic.core.protocols import Job, Program
from neuromosaic.core.workers import jobs

CONTRACT = Contract(
    task="classification", input=TensorSpec(shape=(12,)), output=TensorSpec(shape=(3,)), kind="tabular"
)
needs_fabric = pytest.mark.skipif(
    importlib.util.find_spec("lightning_fabric") is None,
    reason="needs Lightning Fabric: pip install neuromosaic[fabric]",
)


def data() -> Any:
    draw = np.random.default_rng(0)
    x = draw.standard_normal((203, 12)).astype(np.float32)
    y = x[:, :3].argmax(1)
    preprocessing = SimpleNamespace(unscale_targets=lambda y: y, naive_error=math.nan)
    train, validation = Split(x[:163], y[:163]), Split(x[163:], y[163:])
    return SimpleNamespace(contract=CONTRACT, train=train, validation=validation, preprocessing=preprocessing)


def graph() -> Graph:
    torch.manual_seed(0)
    return export_module(nn.Sequential(nn.Linear(12, 16), nn.Tanh(), nn.Linear(16, 3)), (torch.zeros(2, 12),))


def trained(worker: Any, recipe: Recipe) -> TrialOutcome:
    plan = MetricsPlan(loss="cross_entropy", primary="accuracy")
    return run_trial(worker, graph(), data(), recipe, plan, fidelity=1.0, seed=0, timeout=120)


@needs_fabric
@pytest.mark.soak
@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(epochs=3, batch_size=30, gradient_clip=0.5),  # the last batch of an epoch has 13
        Recipe(epochs=2, batch_size=32, accumulate=2, averaging=0.9),
        Recipe(epochs=2, batch_size=32, precision="fp16"),
    ],
)
def test_two_processes_train_what_one_does(recipe: Recipe) -> None:
    judge = ProcessJudge(workers=1)
    try:
        alone = trained(judge, recipe)
    finally:
        judge.close()
    together = trained(AcrossDevices(2, "cpu"), recipe)
    assert together.cause == "finished", together.message
    assert together.metrics["accuracy"] == alone.metrics["accuracy"]
    for name, tensor in alone.weights.items():
        torch.testing.assert_close(to_torch(together.weights[name]), to_torch(tensor), rtol=1e-3, atol=1e-5)
    for one, other in zip(alone.curve, together.curve, strict=True):
        assert other["train_loss"] == pytest.approx(one["train_loss"], rel=1e-4)


@needs_fabric
def test_alone_in_its_company_a_process_trains_as_ever() -> None:
    from lightning_fabric import Fabric

    fabric = Fabric(accelerator="cpu", devices=1)
    together = SimpleNamespace(run=lambda job, converse: member.train(job, fabric, converse))
    alone = SimpleNamespace(run=lambda job, converse: jobs.train(rebuild(job.subject), job, converse))
    recipe = Recipe(epochs=2, batch_size=30)
    one, other = trained(alone, recipe), trained(together, recipe)
    assert one.weights == other.weights
    assert one.metrics == other.metrics
    with pytest.raises(TypeError, match="graphs only"):
        member.train(Job("train", Program("", {}, 0)), fabric, lambda message: message)


@needs_fabric
@pytest.mark.soak
def test_what_diverges_ends_in_all_processes() -> None:
    outcome = trained(
        AcrossDevices(2, "cpu"), Recipe(epochs=2, learning_rate=10, optimizer="sgd", gradient_clip=None)
    )
    assert outcome.cause in ("diverged", "finished")


@needs_fabric
@pytest.mark.soak
def test_where_one_fails_all_end() -> None:
    broken = Graph({**graph().document, "train": {"nodes": "none"}}, graph().tensors)
    with pytest.raises(CandidateError):
        AcrossDevices(2, "cpu").run(Job("train", broken, {}, {}, 60))


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(across.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"pip install 'neuromosaic\[fabric\]'"):
        AcrossDevices(2, "cpu")


def test_devices_that_are_not_there_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(across.importlib.util, "find_spec", lambda _: True)
    with pytest.raises(UsageError, match="devices: 4096 asked for; of cpu this machine has"):
        AcrossDevices(4096, "cpu")
    with pytest.raises(UsageError, match="'tpu' is unknown across devices; use cuda or cpu"):
        AcrossDevices(2, "tpu")


def test_it_does_nothing_but_train_graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(across.importlib.util, "find_spec", lambda _: True)
    judge = AcrossDevices(1, "cpu")
    judge.warm_up()
    with pytest.raises(ValueError, match="graphs are trained, and nothing else"):
        judge.run(Job("predict", graph()))
    judge.close()
