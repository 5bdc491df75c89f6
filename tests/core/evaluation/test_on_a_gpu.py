"""The loop on a CUDA device does what it does on a CPU; skipped where there is none."""

from typing import Any

import pytest
import torch
from torch import nn

from neuromosaic.core.brief import Contract, TensorSpec
from neuromosaic.core.evaluation.measuring import latency, memory
from neuromosaic.core.evaluation.probing import PRECISIONS, try_precisions
from neuromosaic.core.evaluation.recipe import Precision, Recipe
from neuromosaic.core.evaluation.stacked import Member, train_stacked
from neuromosaic.core.evaluation.training import Trained, train
from neuromosaic.core.graph.export import export_module
from neuromosaic.core.graph.rebuild import Rebuilt, rebuild

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")

CONTRACT = Contract(
    task="classification", input=TensorSpec(shape=(5,)), output=TensorSpec(shape=(3,)), kind="tabular"
)
X = torch.randn(160, 5, generator=torch.Generator().manual_seed(0))
Y = X[:, :3].argmax(1)
RECIPE = Recipe(epochs=6, batch_size=16, learning_rate=0.01)


def mlp() -> Rebuilt:
    torch.manual_seed(0)
    module = rebuild(export_module(nn.Sequential(nn.Linear(5, 16), nn.Tanh(), nn.Linear(16, 3)), (X[:4],)))
    assert isinstance(module, Rebuilt)
    return module


def trained(device: str, recipe: Recipe = RECIPE, **more: Any) -> tuple[Trained, list[float]]:
    losses: list[float] = []

    def report(epoch: int, of: int, loss: float, *_: object) -> tuple[bool, bool]:
        losses.append(loss)
        return False, False

    found = train(
        mlp(), X, Y, recipe, fidelity=1, seed=0, device=device, validation_x=X[:20], contract=CONTRACT, report=report,
        **more,
    )  # fmt: skip
    return found, losses


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_network_learns_in_every_precision(precision: Precision) -> None:
    found, losses = trained("cuda", RECIPE.model_copy(update={"precision": precision}))
    assert found.weights is not None
    assert {weight.device.type for weight in found.weights.values()} == {"cpu"}
    assert losses[-1] < 0.7 * losses[0]


def test_it_learns_what_it_learns_on_a_cpu() -> None:
    (on_gpu, _), (on_cpu, _) = trained("cuda"), trained("cpu")
    assert on_gpu.weights is not None
    assert on_cpu.weights is not None
    assert all(torch.allclose(on_gpu.weights[name], weight, atol=1e-3) for name, weight in on_cpu.weights.items())


@pytest.mark.parametrize("precision", ["float32", "fp16"])
def test_a_paused_training_goes_on(precision: Precision) -> None:
    recipe = RECIPE.model_copy(update={"precision": precision})
    whole, _ = trained("cuda", recipe)
    paused, _ = trained("cuda", recipe, pause_at=3)
    resumed, _ = trained("cuda", recipe, state=paused.state)
    assert whole.weights is not None
    assert resumed.weights is not None
    assert all(torch.allclose(resumed.weights[name], weight, atol=1e-5) for name, weight in whole.weights.items())


def test_copies_train_side_by_side() -> None:
    members = [Member(RECIPE, 0), Member(RECIPE, 1)]
    found = train_stacked(
        mlp(), members, X, Y, fidelity=1, device="cuda", validation_x=X[:20], contract=CONTRACT,
        report=lambda *_: [(False, False)] * 2,
    )  # fmt: skip
    alone, _ = trained("cuda")
    assert alone.weights is not None
    assert found[0].weights is not None
    assert all(torch.allclose(found[0].weights[name], weight, atol=1e-3) for name, weight in alone.weights.items())


def test_each_precision_is_tried_and_the_weights_are_put_back() -> None:
    module = mlp()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    tried = try_precisions(module, X, Y, RECIPE, seed=0, device="cuda", contract=CONTRACT)
    assert set(tried) == set(PRECISIONS)
    assert all(torch.equal(tensor.cpu(), before[name]) for name, tensor in module.state_dict().items())


def test_time_and_memory_are_measured() -> None:
    module, x = mlp().to("cuda"), X[:8].to("cuda")
    found = latency(module, [x], 10)
    assert 0 < found.p50 <= found.p95
    assert memory(module, [x]).peak > 0
