"""Every ready space gives networks that run, learn and cost what their specs say."""

import random

import pytest
import torch

from neuromosaic.architectures import Input, limited, nasbench201_cells, read_nasbench201, ready_space
from neuromosaic.core.errors import SpaceError
from neuromosaic.core.space.cells.spaces import NASBENCH201
from neuromosaic.core.space.encoders import PointEncoder
from neuromosaic.core.space.ready import READY
from neuromosaic.core.space.ready.cells import live
from neuromosaic.core.space.ready.limits import memory_mb

GRAPH = (Input("nodes", (6, 4)), Input("adjacency", (6, 6)))
CASES = {
    "darts": ((3, 8, 8), {"cells": 3, "width": 4}),
    "gnn": (GRAPH, {}),
    "mlp": ((20,), {}),
    "mobilenet": ((3, 16, 16), {"stages": 3}),
    "nasbench201": ((3, 8, 8), {"cells": 1, "width": 8}),
    "resnet": ((1, 16, 16), {"stages": 2}),
    "rnn": ((12, 5), {}),
    "tcn": (Input("x", (12,), 30), {}),
    "transformer": (Input("x", (12,), 30), {}),
    "unet": ((1, 16, 16), {"levels": 2}),
}


def given(spec):
    return [
        torch.randint(each.classes, (2, *each.shape)) if each.classes else torch.rand(2, *each.shape)
        for each in spec.inputs
    ]


def test_every_ready_space_is_tried_here() -> None:
    assert CASES.keys() == READY.keys()


@pytest.mark.parametrize("name", CASES)
def test_samples_of_a_ready_space_run_and_cost_what_they_say(name) -> None:
    inputs, options = CASES[name]
    space = ready_space(name, inputs, 10, **options)
    for point in space.sample_many(3, seed=1):
        spec = space.architecture(point)
        torch.manual_seed(0)
        model = spec.to_model()
        out = model(*given(spec))
        assert tuple(out.shape[1:]) == spec.infer().outputs[0]
        assert out.shape[1] == 10
        assert sum(p.numel() for p in model.parameters()) == spec.infer().parameters
        out.square().sum().backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
        assert spec.metadata["point"] == point
        assert space.architecture(point).id == spec.id


@pytest.mark.parametrize("name", CASES)
def test_a_ready_space_is_searched_like_any_other(name) -> None:
    inputs, options = CASES[name]
    space, draw = ready_space(name, inputs, 10, **options), random.Random(0)
    assert space.size() > 5
    one, other = space.sample(draw), space.sample(draw)
    encoder = PointEncoder(space)
    for point in (space.mutate(one, draw), space.cross(one, other, draw)):
        assert encoder.decode(encoder.encode(point)) == point
        space.architecture(point)


def test_limits_by_name_hold_for_every_sample() -> None:
    limits = {"max_parameters": 60_000, "max_flops": 40_000_000, "max_layers": 6, "max_memory_mb": 0.4}
    space = ready_space("resnet", (1, 16, 16), 10, **limits)
    for point in space.sample_many(10, 0):
        spec = space.architecture(point)
        assert spec.infer().parameters <= 60_000
        assert spec.infer().flops <= 40_000_000
        assert len(spec.layers) <= 6
        assert memory_mb(spec) <= 0.4


def test_fixed_layers_stand_around_the_searched_ones() -> None:
    space = ready_space(
        "nasbench201", (3, 32, 32), 20, cells=1, width=4, max_parameters=20_000,
        before=[("conv_block", {"channels": 6, "stride": 2}), ("max_pool", {})],
        after=[("relu", {}), ("linear", {"features": 5})],
    )  # fmt: skip
    for point in space.sample_many(5, 0):
        spec = space.architecture(point)
        assert [layer.type for layer in spec.layers][:2] == ["conv_block", "max_pool"]
        assert [layer.type for layer in spec.layers][-2:] == ["relu", "linear"]
        assert spec.infer().outputs == ((5,),)
        assert spec.infer().parameters <= 20_000
        assert spec.to_model()(torch.rand(2, 3, 32, 32)).shape == (2, 5)
    assert space.key(point) == nasbench201_cells().key(point)
    assert len(ready_space("mlp", (4,), 2, after=[("sigmoid", {})]).sample_many(3, 0)) == 3


@pytest.mark.parametrize("platform", [0.5, "cpu"])
def test_latency_is_estimated_for_a_platform(platform) -> None:
    space = ready_space("resnet", (1, 16, 16), 10, max_latency_ms=20, target_platform=platform)
    specs = [space.architecture(point) for point in space.sample_many(5, 0)]
    if platform == 0.5:
        assert all(spec.infer().flops <= 10_000_000 for spec in specs)


def test_a_limit_that_nothing_meets_is_named() -> None:
    with pytest.raises(SpaceError, match="no point of the space meets max_parameters = 10"):
        ready_space("unet", (1, 16, 16), 2, max_parameters=10).sample(random.Random(0))


def test_a_limited_cell_space_is_still_one_of_cells() -> None:
    space = limited(ready_space("nasbench201", (3, 8, 8), 10, cells=1, width=4), max_parameters=8_000)
    point = space.sample(random.Random(0))
    assert space.architecture(point).infer().parameters <= 8_000
    assert space.key(point) == nasbench201_cells().key(point)


def test_cells_with_one_key_are_one_network() -> None:
    space = ready_space("nasbench201", (3, 8, 8), 10, cells=1, width=4)
    for point in space.sample_many(20, 3):
        twin = space.architecture(space.canonical(point))
        assert twin.infer().parameters == space.architecture(point).infer().parameters


def test_a_nasbench201_network_has_the_benchmarks_parameters() -> None:
    """Two cells whose parameters (CIFAR-10, 16 channels, 5 cells a stage) the benchmark lists."""
    space = ready_space("nasbench201", (3, 32, 32), 10)
    for text, parameters in {
        "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|": 129_306,
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|": 802_426,
    }.items():
        assert space.architecture(read_nasbench201(text)).infer().parameters == parameters


def test_only_edges_from_input_to_output_are_built() -> None:
    cell = read_nasbench201("|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|nor_conv_1x1~2|")
    assert live(NASBENCH201.read(cell), NASBENCH201) == {(0, 3): "skip_connect"}


@pytest.mark.parametrize(
    ("arguments", "options", "fault"),
    [
        (("resnt", (3, 8, 8), 10), {}, "'resnt' is no ready space .did you mean 'resnet'"),
        (("resnet", (8,), 10), {}, "resnet takes a shape of 3 sizes"),
        (("resnet", (3, 8, 8), 0), {}, "outputs: give a whole number"),
        (("resnet", (3, 8, 8), 10), {"max_params": 3}, "max_params: resnet has no such option"),
        (("resnet", (3, 8, 8), 10), {"stages": 0}, "stages: give a whole number"),
        (("resnet", (3, 8, 8), 10), {"max_flops": "many"}, "max_flops: give a number above 0"),
        (("mlp", (4,), 10), {"max_latency_ms": 3}, "max_latency_ms: give a target_platform"),
        (("gnn", (6, 4), 10), {}, "gnn takes nodes and adjacency"),
        (("gnn", GRAPH, 10), {"after": [("relu", {})]}, "gnn has several inputs"),
        (("mlp", (4,), 10), {"after": ["relu"]}, "after: give pairs of an operation and its fields"),
        (("rnn", (12,), 10), {}, r"rnn takes a shape|rnn takes \[steps, features\], or ids"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(arguments, options, fault) -> None:
    with pytest.raises(SpaceError, match=fault):
        ready_space(*arguments, **options)
