"""Trainings side by side come to what each comes to alone."""

from collections.abc import Callable, Sequence
from typing import Any, get_args

import pytest
import torch
from torch import Tensor, nn

from neuromosaic.core.brief import Contract, TensorSpec
from neuromosaic.core.errors import UsageError
from neuromosaic.core.evaluation.recipe import Optimizer, Recipe
from neuromosaic.core.evaluation.stacked import Member, check_stack, stacking_gain, train_stacked
from neuromosaic.core.evaluation.training import Trained, train
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.graph.export import export_module
from neuromosaic.core.graph.rebuild import Rebuilt, rebuild

CONTRACT = Contract(
    task="classification", input=TensorSpec(shape=(5,)), output=TensorSpec(shape=(3,)), kind="tabular"
)
X = torch.randn(130, 5, generator=torch.Generator().manual_seed(0))
Y = X[:, :3].argmax(1)


def graph_of(*layers: nn.Module, x: Tensor = X) -> Graph:
    return export_module(nn.Sequential(*layers), (x[:4],))


def mlp(seed: int = 0) -> Graph:
    torch.manual_seed(seed)
    return graph_of(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3))


def fresh(graph: Graph) -> Rebuilt:
    module = rebuild(graph)
    assert isinstance(module, Rebuilt)
    return module


def goes_on(*_: Any) -> tuple[bool, bool]:
    return False, False


def alone(graph: Graph, recipe: Recipe, seed: int, x: Tensor = X, contract: Contract = CONTRACT) -> Trained:
    return train(
        fresh(graph), x, Y, recipe, fidelity=1, seed=seed, device="cpu", validation_x=x[:20], contract=contract,
        report=goes_on,
    )  # fmt: skip


def together(
    graph: Graph, members: Sequence[Member], report: Callable[..., Any] | None = None, x: Tensor = X,
    contract: Contract = CONTRACT,
) -> list[Trained]:  # fmt: skip
    return train_stacked(
        fresh(graph), members, x, Y, fidelity=1, device="cpu", validation_x=x[:20], contract=contract,
        report=report or (lambda *_: [(False, False)] * len(members)),
    )  # fmt: skip


def same(one: Trained, other: Trained) -> bool:
    assert one.weights is not None
    assert other.weights is not None
    assert list(one.weights) == list(other.weights)
    return all(torch.allclose(one.weights[name], other.weights[name], atol=2e-5) for name in one.weights)


@pytest.mark.parametrize("optimizer", get_args(Optimizer))
@pytest.mark.parametrize("clip", [None, 0.1])
def test_each_member_ends_with_the_weights_of_training_alone(optimizer: Any, clip: float | None) -> None:
    graph = mlp()
    recipes = [
        Recipe(epochs=2.5, batch_size=32, learning_rate=rate, weight_decay=decay, optimizer=optimizer,
               gradient_clip=clip)
        for rate, decay in ((1e-3, 0.0), (1e-2, 0.1), (3e-2, 0.5))
    ]  # fmt: skip
    stacked = together(graph, [Member(recipe, seed) for seed, recipe in enumerate(recipes)])
    for seed, (recipe, one) in enumerate(zip(recipes, stacked, strict=True)):
        assert same(one, alone(graph, recipe, seed))
        assert (one.cause, one.epochs) == ("finished", 3)
    assert not same(stacked[0], stacked[1])


def test_norms_keep_statistics_of_their_own_and_outputs_agree() -> None:
    torch.manual_seed(0)
    graph = graph_of(nn.Linear(5, 8, bias=False), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
    recipe = Recipe(epochs=2, batch_size=32)
    for seed, one in enumerate(together(graph, [Member(recipe, 0), Member(recipe, 1)])):
        assert same(one, alone(graph, recipe, seed))


def test_convolutions_and_images() -> None:
    torch.manual_seed(0)
    x = torch.randn(130, 1, 6, 6)
    contract = CONTRACT.model_copy(update={"input": TensorSpec(shape=(1, 6, 6)), "kind": "image"})
    graph = graph_of(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3), x=x)
    recipe = Recipe(epochs=1, batch_size=32)
    for seed, one in enumerate(together(graph, [Member(recipe, 0), Member(recipe, 1)], x=x, contract=contract)):
        assert same(one, alone(graph, recipe, seed, x, contract))


def test_initial_weights_may_be_a_members_own() -> None:
    recipe, other = Recipe(epochs=1), mlp(seed=1)
    weights = {name: tensor.detach() for name, tensor in rebuild(other).named_parameters()}
    assert same(together(mlp(), [Member(recipe, 0), Member(recipe, 3, weights)])[1], alone(other, recipe, 3))


def test_a_member_that_diverges_harms_no_neighbour() -> None:
    good, bad = Recipe(epochs=3, optimizer="sgd", gradient_clip=None), {"learning_rate": 10.0, "weight_decay": 1.0}
    graph = export_module(nn.Sequential(nn.Linear(5, 8), Squared(), nn.Linear(8, 3)), (X[:4],))
    diverged, kept = together(graph, [Member(good.model_copy(update=bad), 0), Member(good, 1)])
    assert diverged.cause == "diverged"
    assert diverged.weights is None
    assert same(kept, alone(graph, good, 1))


class Squared(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x**4


def test_a_member_that_stops_keeps_its_best_weights_and_the_others_go_on() -> None:
    seen = list[tuple[int, tuple[int, ...]]]()

    def report(epoch: int, of: int, losses: Tensor, seconds: float, outputs: Tensor) -> list[tuple[bool, bool]]:
        seen.append((epoch, tuple(outputs.shape)))
        return [(epoch == 2, epoch == 1), (False, False)]

    recipe = Recipe(epochs=4)
    stopped, finished = together(mlp(), [Member(recipe, 0), Member(recipe, 1)], report)
    assert (stopped.cause, stopped.epochs) == ("stopped", 2)
    assert (finished.cause, finished.epochs) == ("finished", 4)
    assert seen == [(epoch, (2, 20, 3)) for epoch in (1, 2, 3, 4)]
    assert same(finished, alone(mlp(), recipe, 1))


def test_what_cannot_be_stacked_is_said() -> None:
    recipe, module = Recipe(), fresh(mlp())
    with pytest.raises(UsageError, match="more than learning_rate"):
        check_stack(module, [recipe, Recipe(batch_size=7)])
    with pytest.raises(UsageError, match="augment"):
        check_stack(module, [Recipe(augment=("noise",))])
    with pytest.raises(UsageError, match="averaging"):
        check_stack(module, [Recipe(averaging=0.9)])
    with pytest.raises(UsageError, match="random numbers"):
        check_stack(fresh(graph_of(nn.Linear(5, 3), nn.Dropout(0.5))), [recipe])


def test_the_gain_is_measured_and_leaves_the_network_as_it_was() -> None:
    module = fresh(mlp())
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    gain = stacking_gain(module, Recipe(), 16, X, Y, device="cpu", contract=CONTRACT)
    assert gain > 1
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())
