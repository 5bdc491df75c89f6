"""Trained tensors find their place by name and shape, however deep their network stands in another."""

import torch

from neuromosaic.core.graph.placing import placed


def test_a_tensor_is_placed_by_its_name_or_below_a_part() -> None:
    weight, bias = torch.ones(3, 2), torch.ones(3)
    own = {"weight": torch.zeros(3, 2), "given.bias": torch.zeros(3)}
    assert placed({"weight": weight, "bias": bias}, own) == {"weight": weight, "given.bias": bias}


def test_of_several_places_the_nearest_counts() -> None:
    own = {"deep.given.bias": torch.zeros(3), "given.bias": torch.zeros(3), "other_bias": torch.zeros(3)}
    assert list(placed({"bias": torch.ones(3)}, own)) == ["given.bias"]


def test_another_shape_or_dtype_is_no_place() -> None:
    own = {"given.bias": torch.zeros(4), "bias": torch.zeros(3, dtype=torch.float64)}
    assert placed({"bias": torch.ones(3)}, own) == {}
