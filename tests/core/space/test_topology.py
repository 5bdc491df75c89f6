"""Macro spaces grow and shrink by whole layers; mixed ones keep cells and skeleton in one point."""

import random

import pytest

from neuromosaic.core.errors import SpaceError
from neuromosaic.core.space.cells.spaces import NASBENCH201, CellSpace
from neuromosaic.core.space.encoders import AdjacencyEncoder, PointEncoder
from neuromosaic.core.space.space import SearchSpace
from neuromosaic.core.space.topology import layer_parameters

EACH = {
    "op": {"type": "categorical", "values": ["conv", "pool"]},
    "kernel": {"type": "ordinal", "values": [3, 5, 7], "when": {"op": "conv"}},
}


def test_a_chain_has_the_parameters_of_the_layers_that_it_has() -> None:
    space = SearchSpace(layer_parameters(4, EACH, least=2, skips=True))
    assert space.size() == 4**2 + 4**3 * 2 + 4**4 * 2**3
    for point in space.sample_many(200, 0):
        layers = point["layers"]
        assert {name for name in point if name.endswith("op")} == {f"layer{n}_op" for n in range(1, layers + 1)}
        assert {name for name in point if name.startswith("skip")} == {
            f"skip{s}_{n}" for n in range(3, layers + 1) for s in range(1, n - 1)
        }


def test_a_chain_survives_moves_and_encoding() -> None:
    space, draw = SearchSpace(layer_parameters(5, EACH), ["layer1_kernel <= layer2_kernel"]), random.Random(0)
    encoder = PointEncoder(space)
    point = space.sample(draw)
    for _ in range(100):
        moved = space.mutate(point, draw)
        space.check(moved)
        assert moved != point
        assert encoder.decode(encoder.encode(moved)) == moved
        point = space.cross(point, moved, draw)


@pytest.mark.parametrize(("least", "most"), [(0, 3), (4, 3)])
def test_a_chain_of_no_length_is_refused(least, most) -> None:
    with pytest.raises(SpaceError, match="layers: "):
        layer_parameters(most, EACH, least=least)


def test_a_mixed_space_has_cells_and_a_skeleton() -> None:
    skeleton = {
        "width": {"type": "int", "min": 8, "max": 32, "step": 8},
        "stages": {"type": "int", "min": 1, "max": 3},
    }
    space = CellSpace([NASBENCH201], ["width * stages <= 64"], parameters=skeleton)
    assert space.size() == 15_625 * (3 + 3 + 2 + 2)
    conv = dict.fromkeys(NASBENCH201.names, "none") | {"width": 8, "stages": 1}
    dead = {**conv, "op_0_1": "nor_conv_3x3"}
    assert space.key(conv) == space.key(dead)
    assert space.key(conv) != space.key({**conv, "width": 16})
    assert space.canonical(dead) == conv
    encoder, point = PointEncoder(space), space.sample(random.Random(1))
    assert encoder.decode(encoder.encode(point)) == point
    with pytest.raises(SpaceError, match="width"):
        AdjacencyEncoder(space)
    with pytest.raises(SpaceError, match="'op_0_1' stands there twice"):
        CellSpace([NASBENCH201], parameters={"op_0_1": {"type": "bool"}})
