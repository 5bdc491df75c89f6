"""The identity of a graph: what changes it, and what does not."""

import random
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from neuromosaic.core.errors import CandidateError
from neuromosaic.core.graph.arguments import operands, replaced
from neuromosaic.core.graph.canonical import graph_id
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.graph.export import export_module

Cases = Callable[[str], Any]
Forward = Callable[[nn.Module, Tensor], Any]


class Net(nn.Module):
    def __init__(self, forward: Forward, names: str = "abc", width: int = 3) -> None:
        super().__init__()
        for name in names:
            self.add_module(name, nn.Linear(3, width))
        self.function = forward

    def forward(self, x: Tensor) -> Any:
        return self.function(self, x)


def id_of(forward: Forward, names: str = "abc", **options: Any) -> str:
    return graph_id(export_module(Net(forward, names, **options), (torch.randn(4, 3),)))


def two_branches(net: nn.Module, x: Tensor) -> Tensor:
    one = net.a(x).relu()
    two = net.b(x).tanh()
    return net.c(one * two)


@pytest.fixture(scope="module")
def base() -> str:
    return id_of(two_branches)


def other_order(net: nn.Module, x: Tensor) -> Tensor:
    two = net.b(x).tanh()
    one = net.a(x).relu()
    return net.c(one * two)


def other_terms(net: nn.Module, x: Tensor) -> Tensor:
    return net.c(net.b(x).tanh() * net.a(x).relu())


def in_place(net: nn.Module, x: Tensor) -> Tensor:
    one = net.a(x).relu_()
    one *= net.b(x).tanh_()
    return net.c(one)


def in_place_through_a_view(net: nn.Module, x: Tensor) -> Tensor:
    one = net.a(x)
    one.relu_()
    return net.c(one * net.b(x).tanh())


def with_dead_nodes(net: nn.Module, x: Tensor) -> Tensor:
    net.c(net.a(x) + 7)
    return two_branches(net, x)


@pytest.mark.parametrize(
    "forward", [two_branches, other_order, other_terms, in_place, in_place_through_a_view, with_dead_nodes]
)
def test_the_same_structure_has_the_same_identity(base: str, forward: Forward) -> None:
    assert id_of(forward) == base


def test_names_and_weights_leave_no_mark(base: str) -> None:
    def renamed(net: nn.Module, x: Tensor) -> Tensor:
        return net.z(net.y(x).relu() * net.x(x).tanh())

    assert id_of(renamed, "xyz") == base
    assert id_of(renamed, "zyx") == base


def tied(net: nn.Module, x: Tensor) -> Tensor:
    return net.c(net.a(x).relu() * net.a(x).tanh())


def other_activation(net: nn.Module, x: Tensor) -> Tensor:
    return net.c(net.a(x).relu() * net.b(x).sigmoid())


def other_shape_of_things(net: nn.Module, x: Tensor) -> Tensor:
    return net.c(net.a(x).relu()) * net.b(x).tanh()


def subtracted(net: nn.Module, x: Tensor) -> Tensor:
    return net.c(net.a(x).relu() - net.b(x).tanh())


def subtracted_the_other_way(net: nn.Module, x: Tensor) -> Tensor:
    return net.c(net.b(x).tanh() - net.a(x).relu())


def scaled(net: nn.Module, x: Tensor) -> Tensor:
    return 0.5 * two_branches(net, x)


def scaled_more(net: nn.Module, x: Tensor) -> Tensor:
    return 0.25 * two_branches(net, x)


def without_gradient(net: nn.Module, x: Tensor) -> Tensor:
    with torch.no_grad():
        one = net.a(x).relu()
    return net.c(one * net.b(x).tanh())


def as_dict(net: nn.Module, x: Tensor) -> Any:
    return {"out": two_branches(net, x)}


def plus_constant(net: nn.Module, x: Tensor) -> Tensor:
    return two_branches(net, x) + torch.tensor([1.0, 2.0, 3.0])


def plus_other_constant(net: nn.Module, x: Tensor) -> Tensor:
    return two_branches(net, x) + torch.tensor([1.0, 2.0, 4.0])


def noisy_in_training(net: nn.Module, x: Tensor) -> Tensor:
    return functional.dropout(two_branches(net, x), 0.5, net.training)


def read_before_it_is_overwritten(net: nn.Module, x: Tensor) -> Tensor:
    y = net.a(x)
    z = y * 2
    y[:, 0] = 0
    return net.c(y + z)


def read_after_it_is_overwritten(net: nn.Module, x: Tensor) -> Tensor:
    y = net.a(x)
    y[:, 0] = 0
    z = y * 2
    return net.c(y + z)


def overwritten_nowhere(net: nn.Module, x: Tensor) -> Tensor:
    y = net.a(x)
    return net.c(y + y * 2)


@pytest.mark.no_cover
def test_different_structures_have_different_identities() -> None:
    forwards = [
        two_branches, tied, other_activation, other_shape_of_things, subtracted, subtracted_the_other_way, scaled,
        scaled_more, without_gradient, as_dict, plus_constant, plus_other_constant, noisy_in_training,
        read_before_it_is_overwritten, read_after_it_is_overwritten, overwritten_nowhere,
    ]  # fmt: skip
    ids = [id_of(forward) for forward in forwards]
    ids += [id_of(two_branches, "abcd"), id_of(lambda net, x: net.a(x), width=4), id_of(lambda net, x: net.a(x))]
    assert len(set(ids)) == len(ids)


def graph_of(module: nn.Module) -> Graph:
    return export_module(module, (torch.randn(4, 3),))


def test_flags_of_parameters_and_buffers_count() -> None:
    frozen, free = nn.Linear(3, 3).requires_grad_(False), nn.Linear(3, 3)
    assert graph_id(graph_of(frozen)) != graph_id(graph_of(free))
    kept, passing = Net(lambda net, x: x * net.scale), Net(lambda net, x: x * net.scale)
    kept.register_buffer("scale", torch.ones(3))
    passing.register_buffer("scale", torch.ones(3), persistent=False)
    assert graph_id(graph_of(kept)) != graph_id(graph_of(passing))


def test_what_training_does_to_a_buffer_counts() -> None:
    def average(share: float) -> nn.Module:
        def forward(net: nn.Module, x: Tensor) -> Tensor:
            if net.training:
                net.mean.mul_(1 - share).add_(x.detach().mean(0), alpha=share)
            return net.a(x - net.mean.clone())

        net = Net(forward)
        net.register_buffer("mean", torch.zeros(3))
        return net

    assert graph_id(graph_of(average(0.1))) == graph_id(graph_of(average(0.1)))
    assert graph_id(graph_of(average(0.1))) != graph_id(graph_of(average(0.2)))
    with_statistics = nn.BatchNorm1d(3)
    without = nn.BatchNorm1d(3)
    without.momentum = 0.0
    assert graph_id(graph_of(with_statistics)) != graph_id(graph_of(without))


@pytest.mark.parametrize("name", ["conv net", "res net", "shared"])
def test_another_export_with_other_weights_and_another_batch_has_the_same_identity(cases: Cases, name: str) -> None:
    case = cases(name)
    again = export_module(type(case.module)(), (case.inputs(5),))
    assert graph_id(again) == graph_id(case.graph)


@pytest.mark.no_cover
def test_no_two_networks_share_an_identity(cases: Cases) -> None:
    names = ("conv net", "res net", "depthwise", "gru", "lstm", "encoder", "language model", "attention")
    assert len({graph_id(cases(name).graph) for name in names}) == len(names)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000), name=st.sampled_from(["res net", "attention", "language model", "depthwise"]))
def test_any_order_and_any_names_give_the_same_identity(cases: Cases, seed: int, name: str) -> None:
    graph = cases(name).graph
    assert graph_id(shuffled(graph, random.Random(seed))) == graph_id(graph)


def shuffled(graph: Graph, draw: random.Random) -> Graph:
    """Nodes renamed and put into another order that defines before use; writers in place keep their places."""
    document = {**graph.document}
    for mode in ("train", "eval"):
        nodes, order = graph.document[mode]["nodes"], []
        if any(node["op"].split(".")[1].endswith("_") for node in nodes):
            order = list(nodes)
        while len(order) < len(nodes):
            done = {node["name"] for node in order}
            ready = [
                node
                for node in nodes
                if node["name"] not in done
                and all(kind != "node" or target in done for kind, target in operands(node))
            ]
            order.append(draw.choice(ready))
        names = {node["name"]: f"v{draw.random()}" for node in nodes}

        def rename(found: Any, names: dict[str, str] = names) -> Any:
            return {found[0]: names.get(found[1], found[1]) if found[0] == "node" else found[1]}

        document[mode] = {
            "nodes": [
                {**node, "name": names[node["name"]], **{k: replaced(node[k], rename) for k in ("args", "kwargs")}}
                for node in order
            ],
            "output": replaced(graph.document[mode]["output"], rename),
        }
    return replace(graph, document=document)


def test_a_malformed_graph_has_no_identity() -> None:
    with pytest.raises(CandidateError, match="its document"):
        graph_id(Graph({}, {}))


def of_views(graph: Graph, count: int) -> Graph:
    """Before all else it looks at a copy of its input in many ways, and writes as often to it."""
    own = {"name": "own", "op": "aten.clone.default", "args": [{"input": 0}], "kwargs": {}}
    seen = [{**own, "name": f"v{n}", "op": "aten.detach.default", "args": [{"node": "own"}]} for n in range(count)]
    written = [{**own, "name": f"w{n}", "op": "aten.relu_.default", "args": [{"node": "own"}]} for n in range(count)]
    trace = graph.document["eval"]
    return replace(
        graph,
        document={**graph.document, "eval": {**trace, "nodes": [own, *seen, *written, *trace["nodes"]]}},
    )


def test_a_write_costs_the_same_however_many_look_at_that_memory() -> None:
    plain = graph_of(nn.Linear(3, 3))
    began = time.process_time()
    assert graph_id(of_views(plain, 5000)) == graph_id(plain)  # nothing reads what was written
    assert time.process_time() - began < 10


def test_a_view_shows_what_was_written_to_its_neighbours_and_in_which_order() -> None:
    def writes(*columns: int) -> Forward:
        def forward(net: nn.Module, x: Tensor) -> Tensor:
            own = x.clone()
            views = [own[:, number] for number in range(3)]
            for column in columns:
                views[column].mul_(column + 2)
            return net.a(own)

        return forward

    ids = [id_of(writes(*columns), "a") for columns in ((), (0,), (1,), (0, 1), (1, 0), (0, 0))]
    assert len(set(ids)) == len(ids)
    assert id_of(writes(0, 1), "a") == ids[3]
