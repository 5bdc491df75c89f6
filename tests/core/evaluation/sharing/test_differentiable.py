"""Differentiable search: the gradients are those of the definition, and skips do not take over."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from neuromosaic.architectures import ready_space
from neuromosaic.core.architecture.spec import Input
from neuromosaic.core.errors import SpaceError
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.sharing.bilevel import DECAY, Bilevel
from neuromosaic.core.evaluation.sharing.derivation import Choices, derive, share_of_skips
from neuromosaic.core.evaluation.sharing.differentiable import search_differentiably
from neuromosaic.core.evaluation.sharing.perturbation import _allowed, derive_by_loss
from neuromosaic.core.space.cells.layout import CellLayout
from neuromosaic.core.space.cells.spaces import CellSpace
from neuromosaic.core.space.ready.cells import summing_cells

RECIPE = Recipe(epochs=2, batch_size=64, learning_rate=5e-2)


def small_space(*operations: str, nodes: int = 2) -> CellSpace:
    layout = CellLayout(operations or ("none", "skip_connect", "nor_conv_3x3", "avg_pool_3x3"), nodes=nodes)
    return summing_cells(layout, (Input("x", (1, 8, 8)),), 10, width=4, cells=1, stages=1)


@pytest.fixture(scope="module")
def data(digits: SimpleNamespace) -> Any:
    return torch.from_numpy(digits.train.x[:256]), torch.from_numpy(digits.train.y[:256])


@pytest.mark.parametrize("order", [1, 2])
def test_a_search_derives_a_point_of_the_space_and_is_repeatable(data: Any, order: Any) -> None:
    space = small_space()
    found = search_differentiably(space, *data, RECIPE, seed=0, order=order, countered=order == 1)
    assert space.contains(found.point)
    assert len(found.losses) == len(found.history) == 2
    assert found.losses[1] < found.losses[0]
    assert found == search_differentiably(space, *data, RECIPE, seed=0, order=order, countered=order == 1)
    assert all(sum(shares.values()) == pytest.approx(1, abs=1e-5) for shares in found.weights.values())


def test_nodes_that_choose_get_as_many_edges_as_they_choose(data: Any) -> None:
    space = ready_space("darts", (1, 8, 8), 10, cells=2, width=2)
    x, y = data
    found = search_differentiably(
        space, x[:32], y[:32], RECIPE.model_copy(update={"epochs": 1}), seed=0, countered=False
    )
    assert space.contains(found.point)
    assert space.architecture(found.point).to_model()(x[:2]).shape == (2, 10)


def test_the_second_order_gradient_is_that_of_one_step_of_training(
    data: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against automatic differentiation through the step, in double precision."""
    monkeypatch.setattr("neuromosaic.core.evaluation.sharing.bilevel.FINITE", 1e-5)  # no ReLU turns
    x, y = data[0].double(), data[1]
    search = Bilevel(small_space(), x, y, RECIPE, 0, 2, False, 1e-3)
    search.beta = 0.0
    search.network.double().eval()
    for alpha in search.alphas:
        alpha.data = alpha.data.double() + torch.arange(alpha.numel()).reshape(alpha.shape) / 10
    rows, others, rate = torch.arange(32), torch.arange(32, 64), 0.1
    found = search._second_order(rows, others, rate)[0]

    weights = dict(search.network.named_parameters())
    gradients = torch.autograd.grad(search._loss(rows), list(weights.values()), create_graph=True)
    moved = {
        name: weight - rate * (gradient + DECAY * weight.detach())
        for (name, weight), gradient in zip(weights.items(), gradients, strict=True)
    }
    outputs = torch.func.functional_call(search.network, moved, (x[others],), {"scales": search._scales()})
    exact = torch.autograd.grad(search.loss(outputs, y[others]), search.alphas)[0]
    first = search._gradients(others)[0]
    assert torch.allclose(found, exact, rtol=1e-3, atol=1e-6)
    assert (found - exact).norm() < (first - exact).norm() / 30


def test_weights_are_where_they_were_after_a_second_order_step(data: Any) -> None:
    search = Bilevel(small_space(), *data, RECIPE, 0, 2, True, 1e-3)
    search.beta = 1.0
    before = [weight.clone() for weight in search.parameters]
    search._second_order(torch.arange(32), torch.arange(32, 64), 0.1)
    assert all(torch.equal(*pair) for pair in zip(before, search.parameters, strict=True))


def test_an_auxiliary_skip_adds_its_weight_to_the_skip_alone(data: Any) -> None:
    search = Bilevel(small_space(), *data, RECIPE, 0, 1, True, 1e-3)
    search.beta = 0.0
    without = search._scales()
    search.beta = 0.7
    for name, scale in search._scales().items():
        added = 0.7 if search.ends[name].skips else 0.0
        assert float((scale - without[name]).detach()) == pytest.approx(added, abs=1e-6)


def test_collapse_is_seen_and_restrained_to_half_of_the_edges() -> None:
    layout = CellLayout(("none", "skip_connect", "nor_conv_3x3"), nodes=3)
    weights = torch.zeros(6, 3)
    weights[:, 0], weights[:, 1] = 9, torch.arange(6) + 1.0
    choices = [Choices(layout, torch.nn.Parameter(weights))]
    assert share_of_skips(choices, derive(choices, None)) == 1
    restrained = derive(choices, 0.5)[0]
    assert sum(name == "skip_connect" for name in restrained.values()) == 3
    assert restrained[0, 1] == "nor_conv_3x3"  # the lightest skip gives way first
    assert "none" not in restrained.values()


def test_what_the_whole_does_not_need_is_not_kept(data: Any) -> None:
    space = small_space("skip_connect", "nor_conv_3x3", nodes=1)
    found = search_differentiably(space, *data, RECIPE.model_copy(update={"epochs": 6}), seed=0)
    assert found.point == {"op_0_1": "nor_conv_3x3"}


def test_edges_are_kept_by_what_is_lost_without_them() -> None:
    """A search of which the test says what it loses: edges from late nodes, and the second operation of each."""
    layout = CellLayout(("max_pool_3x3", "sep_conv_3x3"), inputs=2, nodes=2, choose=2, concatenates=True)

    class Told:
        choices = (Choices(layout, torch.nn.Parameter(torch.zeros(5, 2))),)
        recipe = RECIPE

        def __init__(self) -> None:
            self.masked: dict[tuple[int, int, int], float] = {}

        def held_loss(self) -> float:
            gone = [place for place, factor in self.masked.items() if factor == 0.0]
            return float(sum(operation * (1 + layout.edges[edge][0]) for _, edge, operation in gone))

        def tune(self, epochs: int, rate: float) -> None:
            pass

    found = derive_by_loss(Told(), 0, 0.5)[0]
    assert found == dict.fromkeys([(0, 2), (1, 2), (1, 3), (2, 3)], "sep_conv_3x3")


def test_skips_are_not_kept_on_more_than_half_of_the_edges() -> None:
    layout = CellLayout(("skip_connect", "nor_conv_3x3"), nodes=2)
    assert _allowed(layout, {}, 0, 0.5) == ["skip_connect", "nor_conv_3x3"]
    assert _allowed(layout, {(0, 1): "skip_connect"}, 1, 0.5) == ["nor_conv_3x3"]


def test_a_space_without_a_whole_network_is_refused(data: Any) -> None:
    with pytest.raises(SpaceError, match="draws no whole network"):
        search_differentiably(CellSpace([CellLayout(("none",))]), *data, RECIPE, seed=0)
