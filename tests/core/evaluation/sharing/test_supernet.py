"""A supernet's networks are the space's networks, and its training tells them apart."""

import itertools
import random
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from neuromosaic.architectures import ready_space
from neuromosaic.core.architecture.spec import Input
from neuromosaic.core.brief import Contract
from neuromosaic.core.errors import SpaceError
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.sharing.fairness import fair_points, shrinking_points
from neuromosaic.core.evaluation.sharing.parts import parts_of
from neuromosaic.core.evaluation.sharing.supernet import Supernet, train_supernet
from neuromosaic.core.space.cells.layout import CellLayout
from neuromosaic.core.space.ready.cells import summing_cells
from neuromosaic.core.space.space import SearchSpace

OPERATIONS = ("none", "skip_connect", "nor_conv_3x3", "avg_pool_3x3")
SPACES = {
    "nasbench201": ((3, 8, 8), {"cells": 1, "width": 4}),
    "mobilenet": ((3, 8, 8), {"stages": 2}),
    "resnet": ((1, 8, 8), {"stages": 2}),
    "mlp": ((20,), {}),
    "rnn": ((6, 5), {}),
    "transformer": ((6, 5), {}),
}


def small_space(stages: int = 1) -> Any:
    layout = CellLayout(OPERATIONS, nodes=2)
    return summing_cells(layout, (Input("x", (1, 8, 8)),), 10, width=4, cells=1, stages=stages)


@pytest.mark.parametrize("name", SPACES)
def test_a_borrowing_network_computes_what_its_spec_says(name: str) -> None:
    """The module of the spec, given the borrowed weights and statistics in their order, has the same outputs."""
    shape, options = SPACES[name]
    space = ready_space(name, shape, 10, **options)
    supernet, x = Supernet(space, surveyed=3), torch.randn(3, *shape)
    for point in space.sample_many(1, seed=1):
        network = supernet.network(point).eval()
        alone = space.architecture(point).to_model().eval()
        with torch.no_grad():
            for weight, borrowed in zip(alone.parameters(), borrowed_weights(network), strict=True):
                weight.copy_(borrowed)
            assert torch.allclose(alone(x), network(x), atol=1e-5)


def borrowed_weights(network: Any) -> list[torch.Tensor]:
    """Of each layer in order, cut out of larger ones where it borrows a part."""
    found = []
    for layer in network._layers:
        for name, own in layer.module.named_parameters():
            corner = layer._parts.get(name)
            found.append(own if corner is None else corner.whole[corner.slices])
    return found


def test_an_edge_has_its_weights_in_every_network_and_in_the_whole() -> None:
    space = small_space()
    supernet = Supernet(space)
    one = supernet.network({"op_0_1": "nor_conv_3x3", "op_0_2": "none", "op_1_2": "nor_conv_3x3"})
    other = supernet.network({"op_0_1": "nor_conv_3x3", "op_0_2": "nor_conv_3x3", "op_1_2": "skip_connect"})
    whole = supernet.borrow(space.whole())

    def weights(network: Any, edge: str) -> int:
        places = network.spec.metadata["places"]
        named = zip(network.spec.layers, network.parts, strict=True)
        return next(id(m.layer.weight) for x, m in named if x.type == "conv" and edge in places.get(x.name, ""))

    assert weights(one, "/0_1/") == weights(other, "/0_1/") == weights(whole, "/0_1/")
    assert len({weights(whole, edge) for edge in ("/0_1/", "/0_2/", "/1_2/")}) == 3


def test_narrow_layers_take_the_first_channels_of_wide_ones() -> None:
    space = ready_space("mlp", (6,), 3, layers=1)
    supernet = Supernet(space)
    base = {"layers": 1, "norm": "none", "activation": "relu", "dropout": 0.0}
    wide, narrow = (supernet.network({**base, "layer1_width": width}) for width in (256, 16))
    assert torch.equal(borrowed_weights(wide)[0][:16], borrowed_weights(narrow)[0])
    narrow(torch.ones(2, 6)).sum().backward()
    moved = {tuple(tensor.shape) for tensor in supernet.weights.tensors if tensor.grad is not None}
    assert (256, 6) in moved


def test_initial_weights_do_not_depend_on_what_else_is_in_the_space() -> None:
    few, many = Supernet(small_space()), Supernet(ready_space("nasbench201", (1, 8, 8), 10, cells=1, width=4))
    point = {"op_0_1": "nor_conv_3x3", "op_0_2": "skip_connect", "op_1_2": "skip_connect"}
    stem = next(few.network(point).parameters())
    assert any(stem.shape == other.shape and torch.equal(stem, other) for other in many.weights.tensors)


def test_a_weight_that_the_survey_did_not_see_is_shared_by_nobody() -> None:
    space = ready_space("mlp", (6,), 3, layers=1)
    supernet = Supernet(space, surveyed=1)
    for point in space.sample_many(4, 0):
        assert supernet.network(point)(torch.ones(2, 6)).shape == (2, 3)


def test_every_choice_is_trained_as_often_as_the_others() -> None:
    space = SearchSpace({"a": {"type": "categorical", "values": ["x", "y", "z"]}, "b": {"type": "bool"}})
    drawn = list(itertools.islice(fair_points(space, 0), 30))
    assert Counter(point["a"] for point in drawn[:3]) == {"x": 1, "y": 1, "z": 1}
    assert set(Counter(point["a"] for point in drawn).values()) == {10}
    assert abs(sum(bool(point["b"]) for point in drawn) - 15) <= 5
    assert drawn == list(itertools.islice(fair_points(space, 0), 30))


def test_fair_points_are_points_of_the_space() -> None:
    space = SearchSpace(
        {
            "deep": {"type": "bool"},
            "more": {"type": "int", "min": 1, "max": 100, "when": {"deep": True}},
            "least": {"type": "float", "min": 0, "max": 1, "when": {"deep": True}},
            "width": {"type": "ordinal", "values": [1, 2, 4]},
        },
        ["more < 50"],
    )
    assert all(space.contains(point) for point in itertools.islice(fair_points(space, 3), 40))


def test_shrinking_starts_with_the_largest() -> None:
    space = SearchSpace({"width": {"type": "int", "min": 1, "max": 5}, "kind": {"type": "bool"}})
    widths = [int(point["width"]) for point in itertools.islice(shrinking_points(space, 0, 200), 200)]
    assert set(widths[:10]) == {5}
    assert set(widths[-20:]) == {1, 2, 3, 4, 5}


def test_a_trained_supernet_tells_good_networks_from_poor_ones(
    digits: SimpleNamespace, image_contract: Contract
) -> None:
    space = small_space()
    x, y = torch.from_numpy(digits.train.x), torch.from_numpy(digits.train.y)
    held, labels = torch.from_numpy(digits.validation.x), torch.from_numpy(digits.validation.y)

    def trained(epochs: int) -> Supernet:
        supernet = Supernet(space)
        recipe = Recipe(epochs=epochs, learning_rate=1e-2, batch_size=32)
        cause, losses = train_supernet(supernet, x, y, recipe, image_contract, seed=0, progressive=True)
        assert cause == "finished"
        assert losses[-1] < losses[0]
        return supernet

    def accuracy(supernet: Supernet, name: str) -> float:
        point = {"op_0_1": name, "op_0_2": "skip_connect", "op_1_2": name}
        return float((supernet.outputs(point, x[:256], held).argmax(1) == labels).float().mean())

    one = trained(12)
    assert accuracy(one, "nor_conv_3x3") > accuracy(one, "avg_pool_3x3") + 0.1
    few, again = trained(2), trained(2)
    assert accuracy(few, "nor_conv_3x3") == accuracy(again, "nor_conv_3x3")
    assert all(torch.equal(*pair) for pair in zip(few.weights.tensors, again.weights.tensors, strict=True))


def test_recalibrated_norms_have_the_statistics_of_this_network() -> None:
    space = small_space()
    supernet, x = Supernet(space), 3 * torch.randn(64, 1, 8, 8) + 1
    point = space.sample(random.Random(0))
    network = supernet.network(point)
    for _ in range(3):
        supernet.network(space.sample(random.Random(1))).train()(x / 7)
    network.recalibrate(x)
    stem = network.parts[0](x)
    assert torch.allclose(network.parts[1].layer.running_mean, stem.mean((0, 2, 3)), atol=1e-4)
    assert not network.training


def test_a_space_of_something_else_is_refused() -> None:
    with pytest.raises(SpaceError, match="a point here is a dict"):
        Supernet(SearchSpace({"width": {"type": "int", "min": 1, "max": 4}}))


def test_equal_layers_in_one_place_are_parts_of_their_own() -> None:
    space = ready_space("mlp", (20,), 3)
    spec = space.architecture({"layers": 3, "layer1_width": 32, "layer2_width": 32, "layer3_width": 32,
                               "norm": "none", "activation": "relu", "dropout": 0.0})  # fmt: skip
    keys = [part.key for part in parts_of(spec)]
    assert len(set(keys)) == len(keys)
    assert keys[-1].startswith("output|linear")
