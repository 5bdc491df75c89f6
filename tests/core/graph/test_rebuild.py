"""What a judge refuses, and what a rebuilt network can do besides running."""

import contextlib
import copy
import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from neuromosaic.core.errors import CandidateError
from neuromosaic.core.graph.document import Graph, TensorData
from neuromosaic.core.graph.export import export_module
from neuromosaic.core.graph.rebuild import rebuild
from neuromosaic.core.graph.tensors import from_torch

Cases = Callable[[str], Any]


def small(nodes: list[dict[str, Any]] | None = None, output: Any = None, **changes: Any) -> Graph:
    """One weight, one input; both traces the same."""
    trace = {"nodes": nodes or [], "output": {"input": 0} if output is None else output}
    document = {
        "format": 1,
        "inputs": [{"dtype": "float32", "shape": [None, 3]}],
        "parameters": [{"name": "w", "requires_grad": True}],
        "buffers": [],
        "constants": [],
        "train": trace,
        "eval": trace,
        **changes,
    }
    return Graph(document, {"w": from_torch(torch.ones(3)), "ids": from_torch(torch.ones(3, dtype=torch.int64))})


def call(op: str, *args: Any, name: str = "a", **more: Any) -> dict[str, Any]:
    return {"name": name, "op": op, "args": list(args), "kwargs": more.pop("kwargs", {}), **more}


X = {"input": 0}
RELU = call("aten.relu.default", X)


@pytest.mark.parametrize(
    ("node", "fault"),
    [
        (call("aten.empty.memory_format", [3]), "aten.empty.memory_format' *, which is not allowed"),
        (call("aten.as_strided.default", X, [3], [1]), "not allowed"),
        (call("aten.set_.default", X), "not allowed"),
        (call("os.system", "true"), "not allowed"),
        (call("torch.load", "x"), "not allowed"),
        (call("aten.relu.__class__", X), "not allowed"),
        (call(["aten.relu.default"], X), "not allowed"),
        (call("aten.relu.default", {"node": "b"}), "reads node 'b'"),
        (call("aten.relu.default", {"node": "a"}), "reads node 'a'"),
        (call("aten.relu.default", {"node": ["a"]}), "reads node"),
        (call("aten.relu.default", {"input": 1}), "reads input"),
        (call("aten.relu.default", {"input": True}), "reads input"),
        (call("aten.relu.default", {"input": -1}), "reads input"),
        (call("aten.relu.default", {"tensor": "v"}), "reads tensor 'v'"),
        (call("aten.relu.default", {"tensor": "ids"}), "reads tensor 'ids'"),
        (call("aten.relu.default", {"dtype": "load"}), "no known form"),
        (call("aten.relu.default", {"module": "os"}), "no known form"),
        (call("aten.relu.default", {"input": 0, "node": "a"}), "several marks"),
        (call("aten.relu.default", {}), "several marks"),
        (call("aten.relu.default", 2**63), "beyond 64 bits"),
        (call("aten.relu.default", float("nan")), "no JSON"),
        (call("aten.relu.default", "x" * 2000), "too long"),
        (call("aten.relu.default", [[[[[[[[1]]]]]]]]), "too deep"),
        (call("aten.relu.default", [0] * 20_000), "too long"),
        (call("aten.add.Tensor", X, X, kwargs={"other); import os; (": 1}), "keywords"),
        (call("aten.add.Tensor", X, X, kwargs={"out": X}), "keywords"),
        (call("operator.add", 1, 2, kwargs={"a": 1}), "keywords"),
        (call("aten.add.Tensor", X, X, kwargs=[]), "kwargs"),
        (call("aten.relu.default", X, grad=1), "grad"),
        (call("aten.relu.default", X, autocast="float64"), "autocast"),
        (call("aten.relu.default", X, autocast=0), "autocast"),
        (call("aten.relu.default", X, code="x"), "must have name, op"),
        (call("aten.relu.default", X, layer=3), "no layer"),
        (call("aten.relu.default", X, shape=["3"]), "no shape"),
        ({"name": "a", "op": "aten.relu.default", "args": []}, "must have name, op"),
        ({"name": "a", "op": "aten.relu.default", "args": X, "kwargs": {}}, "no list"),
        (call("aten.relu.default", X, name=""), None),
    ],
)
def test_a_forged_node_is_refused_by_name(node: dict[str, Any], fault: str | None) -> None:
    if fault is None:
        rebuild(small([node]))
        return
    with pytest.raises(CandidateError, match=r"node 'a'.*" + fault.replace(" *", ".*")) as caught:
        rebuild(small([node]))
    assert caught.value.code == "bad-graph"


def test_the_layer_of_a_forged_node_is_told() -> None:
    for node in (call("aten.set_.default", layer="head"), call("aten.relu.default", kwargs={"x": 1}, layer="head")):
        with pytest.raises(CandidateError) as caught:
            rebuild(small([node]))
        assert caught.value.layer == "head"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"format": 2}, "format"),
        ({"inputs": []}, "needs inputs"),
        ({"inputs": [7]}, "needs inputs"),
        ({"inputs": [{"dtype": "float32", "shape": [[None]]}]}, "needs inputs"),
        ({"inputs": [{"dtype": "object", "shape": [None]}]}, "needs inputs"),
        ({"inputs": {}}, "inputs must be a list"),
        ({"inputs": [{}] * 17}, "at most 16"),
        ({"parameters": None}, "parameters must be a list"),
        ({"parameters": ["w"]}, "must have name and requires_grad"),
        ({"parameters": [{"name": "w", "requires_grad": 1}]}, "'w'"),
        ({"parameters": [{"name": "w", "requires_grad": True}] * 2}, "comes twice"),
        ({"parameters": [{"name": "", "requires_grad": True}]}, "no name"),
        ({"parameters": [{"name": "a..b", "requires_grad": True}]}, "no name"),
        ({"parameters": [{"name": ["w"], "requires_grad": True}]}, "no name"),
        ({"parameters": [{"name": "v", "requires_grad": True}]}, "'v' has no tensor"),
        ({"parameters": [{"name": "ids", "requires_grad": True}]}, "cannot have a gradient"),
        ({"parameters": [{"name": "v", "requires_grad": True, "same_as": "w"}]}, "the same as 'w'"),
        ({"parameters": [{"name": "v", "requires_grad": True, "same_as": ["w"]}]}, "the same as"),
        ({"buffers": [{"name": "w", "persistent": True}]}, "comes twice"),
        ({"buffers": [{"name": "ids", "persistent": True, "same_as": "w"}]}, "the same as 'w'"),
        ({"constants": ["w"]}, "constant 'w'"),
        ({"constants": ["v"]}, "constant 'v'"),
        ({"constants": [["w"]]}, "constant"),
        ({"train": []}, "train trace must have"),
        ({"train": {"nodes": {}, "output": None}}, "train nodes must be a list"),
        ({"train": {"nodes": [3], "output": None}}, "train trace has no name"),
        ({"eval": {"nodes": [RELU, RELU], "output": None}}, "node 'a' of its eval trace has a name that is taken"),
        ({"eval": {"nodes": [], "output": {"node": "a"}}}, "output of its eval trace reads node"),
        ({"eval": {"nodes": [], "output": {"dict": [X]}}}, "keys are no texts"),
        ({"eval": {"nodes": [], "output": {"list": X}}}, "no list"),
        ({"eval": {"nodes": [], "output": [X]}}, "no list"),
        ({"more": 1}, "its document must have"),
    ],
)
def test_a_forged_document_is_refused(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(CandidateError, match=fault):
        rebuild(small(**changes))


def test_a_tensor_name_within_another_is_refused() -> None:
    entries = [{"name": "w", "requires_grad": True}, {"name": "w.x", "requires_grad": True}]
    graph = small(parameters=entries)
    with pytest.raises(CandidateError, match="lies within"):
        rebuild(replace(graph, tensors={**graph.tensors, "w.x": graph.tensors["w"]}))


def test_an_impossible_shape_is_a_fault_of_the_candidate() -> None:
    graph = small()
    with pytest.raises(CandidateError, match="tensor 'w'"):
        rebuild(replace(graph, tensors={"w": TensorData("float32", (2**62, 2**62, 0), b"")}))


def test_names_and_texts_of_a_document_never_become_code() -> None:
    evil = "a = __import__('os').system('touch /tmp/owned')\n'\"\"\""
    nodes = [
        call("aten.relu.default", X, name=evil),
        call("aten.gelu.default", {"node": evil}, kwargs={"approximate": "none"}, name="n0"),
        call("aten.div.Tensor_mode", {"node": "n0"}, 1, kwargs={"rounding_mode": evil}, name="x0"),
    ]
    with pytest.raises(RuntimeError, match="rounding_mode"):
        rebuild(small(nodes, {"dict": {evil: {"node": "x0"}}}))(torch.ones(2, 3))
    found = rebuild(small(nodes[:2], {"dict": {evil: {"node": "n0"}}}))(torch.ones(2, 3))
    assert list(found) == [evil]


def test_names_that_modules_use_themselves_shadow_nothing() -> None:
    module = nn.Module()
    for name in ("train", "forward", "traces", "constants", "_parameters", "state_dict"):
        module._modules[name] = nn.Linear(1, 1, bias=False)
    entries = [{"name": name, "requires_grad": True} for name, _ in module.named_parameters()]
    tensors = {name: from_torch(value) for name, value in module.named_parameters()}
    rebuilt = rebuild(Graph(small(parameters=entries).document, tensors))
    assert list(rebuilt.state_dict()) == list(tensors)
    assert rebuilt.train()(torch.ones(1, 3)).shape == (1, 3)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["a", "w", "node", "input", "float32"]),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.sampled_from(
        ["node", "input", "tensor", "dtype", "device", "name", "op", "args", "tuple", "dict"]), children, max_size=2),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=200)
@given(JSON, st.sampled_from(["inputs", "parameters", "buffers", "constants", "train", "output", "nodes", "args"]))
def test_any_json_in_a_document_raises_nothing_but_candidate_error(value: Any, place: str) -> None:
    if place == "output":
        graph = small(output=value)
    elif place == "nodes":
        graph = small(train={"nodes": [value], "output": None})
    elif place == "args":
        graph = small([call("aten.relu.default", value)])
    else:
        graph = small(**{place: value})
    with contextlib.suppress(CandidateError):
        rebuild(graph)


def test_a_copy_is_a_network_of_its_own(cases: Cases) -> None:
    case = cases("regions")
    network = rebuild(case.graph).eval()
    twin, x = copy.deepcopy(network), case.inputs(3)
    expected = network(x)[0]
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1)
    assert torch.equal(twin(x)[0], expected)
    assert not torch.equal(network(x)[0], expected)


def test_weights_can_be_loaded_replaced_and_moved(cases: Cases) -> None:
    case = cases("regions")
    network, x = rebuild(case.graph).eval(), case.inputs(3)
    weights = {name: value + 1 for name, value in case.module.state_dict().items()}
    module = copy.deepcopy(case.module).eval()
    module.load_state_dict(weights)
    network.load_state_dict(weights)
    torch.testing.assert_close(network(x), module(x), rtol=0, atol=0)
    other = torch.func.functional_call(network, case.module.state_dict(), (x,))
    torch.testing.assert_close(other, copy.deepcopy(case.module).eval()(x), rtol=0, atol=0)
    moved = rebuild(case.graph).to("meta")
    assert moved(torch.randn(3, 6, device="meta"))[0].device.type == "meta"


def test_trained_weights_travel_in_the_graph(cases: Cases) -> None:
    case = cases("encoder")
    network, x = rebuild(case.graph), case.inputs(2)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(1.5)
    weights = {name: from_torch(value) for name, value in network.state_dict().items()}
    again = rebuild(replace(case.graph, tensors={**case.graph.tensors, **weights}))
    assert torch.equal(again.eval()(x), network.eval()(x))
    assert again.head.weight is again.embed.weight


def test_the_document_may_come_from_json(cases: Cases) -> None:
    case = cases("attention")
    graph = Graph(json.loads(json.dumps(case.graph.document)), case.graph.tensors)
    x = case.inputs(2)
    assert torch.equal(rebuild(graph).eval()(x), rebuild(case.graph).eval()(x))


class Still(nn.Module):
    """Operations that come behind a guard, or are Python's own, in a region without gradient."""

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            return functional.pad(x, [1, 1], mode="circular") / math.floor(2 * x.shape[0])


def test_a_guarded_operation_may_stand_in_a_region() -> None:
    rebuilt, x = rebuild(export_module(Still(), (torch.randn(3, 2, 4),))), torch.randn(5, 2, 4)
    torch.testing.assert_close(rebuilt(x), Still()(x))


def test_autocast_around_a_rebuilt_network_works() -> None:
    network = rebuild(export_module(nn.Linear(3, 3), (torch.randn(4, 3),)))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert network(torch.randn(2, 3)).dtype == torch.bfloat16
