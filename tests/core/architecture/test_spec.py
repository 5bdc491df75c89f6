# ruff: noqa: E501  (one case a line reads best)
"""What a spec promises: one id for one network, and one clear error for one that is none."""

import random
from typing import Any

import pytest

from neuromosaic.core.architecture.spec import ArchitectureSpec, Input, Layer
from neuromosaic.core.errors import ArchitectureError
from tests.core.architecture.random_specs import random_spec

IMAGE = {"name": "x", "shape": [3, 8, 8]}
CONV = {"name": "a", "type": "conv", "config": {"channels": 4}}
RELU = {"name": "b", "type": "relu"}
POOL = {"name": "c", "type": "global_pool"}
ADD = {"name": "d", "type": "add"}


def document(*layers: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"inputs": [IMAGE], "layers": list(layers), **rest}


def two_branches(names: str, order: list[int], kernels: tuple[int, int] = (1, 3)) -> ArchitectureSpec:
    one, other, joined = names
    layers = [
        Layer(one, "conv", {"channels": 4, "kernel": kernels[0]}), Layer(other, "conv", {"channels": 4, "kernel": kernels[1]}),
        Layer(joined, "add"),
    ]  # fmt: skip
    pairs = [("x", one), ("x", other), (other, joined), (one, joined)]
    return ArchitectureSpec(tuple(layers[n] for n in order), tuple(pairs), (Input("x", (3, 8, 8)),), (joined,))


def test_names_and_the_order_of_branches_leave_the_id_alone() -> None:
    assert two_branches("abc", [0, 1, 2]).id == two_branches("qpz", [2, 1, 0]).id


def test_another_config_is_another_id() -> None:
    assert two_branches("abc", [0, 1, 2]).id != two_branches("abc", [0, 1, 2], (1, 5)).id


def test_a_shared_layer_is_not_two_equal_ones() -> None:
    x = (Input("x", (3, 8, 8)),)
    shared = ArchitectureSpec(
        (Layer("a", "conv", {"channels": 4}), Layer("j", "add")), (("x", "a"), ("a", "j"), ("a", "j")), x
    )
    assert shared.id != two_branches("abc", [0, 1, 2], (3, 3)).id


def test_a_default_may_be_told_or_left_out() -> None:
    told = ArchitectureSpec.chain((3, 8, 8), ("conv", {"channels": 4, "kernel": 3}))
    assert told == ArchitectureSpec.chain((3, 8, 8), ("conv", {"channels": 4}))


def test_metrics_and_metadata_leave_the_id_alone() -> None:
    plain = ArchitectureSpec.from_dict(document(CONV))
    assert (
        ArchitectureSpec.from_dict(document(CONV, metrics={"accuracy": 0.5}, metadata={"by": "hand"})).id == plain.id
    )


def test_isomorphic_random_networks_share_their_id() -> None:
    draw = random.Random(11)
    for _ in range(50):
        spec = random_spec(draw)
        names = {layer.name: f"n{n}" for n, layer in enumerate(spec.layers)}
        layers = [Layer(names[x.name], x.type, x.config) for x in spec.layers]
        pairs = [(names.get(s, s), names[t]) for s, t in spec.connections]
        draw.shuffle(layers)
        again = ArchitectureSpec(tuple(layers), tuple(pairs), spec.inputs, tuple(names[x] for x in spec.outputs))
        assert again.id == spec.id


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (document({"name": "a", "type": "convv"}), "layers[0].type: there is no operation 'convv' (did you mean 'conv'?)"),
        (document({"name": "a", "type": "conv", "config": {"chanels": 4}}), "layers[0].config.chanels: conv has no field 'chanels' (did you mean 'channels'?)"),
        (document({"name": "a", "type": "conv", "config": {"channels": "4"}}), "layers[0].config.channels: must be a whole number, not '4'"),
        (document({"name": "a", "type": "conv", "config": {"channels": 0}}), "layers[0].config.channels: must lie in [1, 65536], not 0"),
        (document({"name": "a", "type": "conv"}), "layers[0].config: conv needs the field 'channels'"),
        (document({"name": "a", "type": "conv", "confg": {}}), "layers[0].confg: unknown key (did you mean 'config'?)"),
        (document(CONV, RELU, connections=[["x", "a"], ["x", "b"]]), "layers[0]: 'a' dangles: nothing takes what it returns"),
        (document(CONV, RELU, connections=[["x", "a"]], outputs=["a", "b"]), "layers[1]: 'b' dangles: nothing is connected to it"),
        (document(CONV, RELU, connections=[["x", "a"], ["aa", "b"]]), "connections[1][0]: there is no 'aa'"),
        (document(CONV, ADD, RELU, connections=[["x", "a"], ["a", "d"], ["b", "d"], ["d", "b"]], outputs=["b"]), "connections: a cycle leads through d, b"),
        (document(CONV, POOL, ADD, connections=[["x", "a"], ["a", "c"], ["a", "d"], ["c", "d"]]), "layers[2]: d: [4, 8, 8] and [4] cannot be joined"),
        (document(CONV, {"name": "l", "type": "linear", "config": {"features": 2}}), "layers[1]: l: linear takes vector or sequence as input 0"),
        (document(CONV, id="0"), "id: the content's id is"),
        (document({"name": "train", "type": "relu"}), "layers[0].name: 'train' is a name that PyTorch needs"),
        (document(CONV, {"name": "a", "type": "relu"}), "layers[1].name: 'a' is there twice"),
        (document(*[{"name": f"p{n}", "type": "max_pool"} for n in range(4)]), "layers[3]: p3: nothing is left of the input"),
        ({"layers": []}, "the key 'inputs' is missing"),
        ([], "a mapping is needed, not []"),
    ],
)  # fmt: skip
def test_a_broken_document_is_one_error_with_its_path(broken: Any, words: str) -> None:
    with pytest.raises(ArchitectureError) as caught:
        ArchitectureSpec.from_dict(broken)
    assert str(caught.value).startswith(words)
