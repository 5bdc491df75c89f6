"""Broken variants of a graph."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from neuromosaic.core.errors import CandidateError
from neuromosaic.core.graph.canonical import graph_id
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.graph.export import export_module
from neuromosaic.core.graph.faults import KINDS
from neuromosaic.core.graph.mutants import DEFAULT_LIMIT, Mutant, equivalent, mutants
from neuromosaic.core.graph.rebuild import rebuild
from neuromosaic.core.graph.tensors import from_torch

Cases = Callable[[str], Any]


def of_kind(graph: Graph, kind: str, limit: int = 100) -> list[Mutant]:
    return [mutant for mutant in mutants(graph, seed=0, limit=limit) if mutant.kind == kind]


def run(graph: Graph, x: Tensor, *, training: bool = False) -> Any:
    torch.manual_seed(0)
    return rebuild(graph).train(training)(x)


def test_every_mutant_is_a_network_that_runs_and_differs(case: Any) -> None:
    made = mutants(case.graph, seed=0, limit=20)
    x = case.inputs(3)
    for mutant in made:
        assert (graph_id(mutant.graph), mutant.graph.tensors) != (graph_id(case.graph), case.graph.tensors)
        for training in (False, True):
            run(mutant.graph, x, training=training)
    assert len({mutant.kind for mutant in made}) >= 10


def test_mutants_are_bounded_spread_over_kinds_and_fixed_by_the_seed(case: Any) -> None:
    made = mutants(case.graph, seed=0)
    assert len(made) == DEFAULT_LIMIT
    assert max(Counter(mutant.kind for mutant in made).values()) <= 2
    assert made == mutants(case.graph, seed=0)
    assert mutants(case.graph, seed=0, limit=3) == made[:3]


def test_seeds_choose_other_sites(cases: Cases) -> None:
    graph = cases("encoder").graph
    assert len({str([mutant.description for mutant in mutants(graph, seed)]) for seed in range(5)}) > 1


def test_the_graph_itself_is_left_alone(cases: Cases) -> None:
    graph = cases("attention").graph
    before = graph_id(graph)
    mutants(graph, seed=0, limit=100)
    assert graph_id(graph) == before


def test_every_kind_has_a_network_that_it_breaks(cases: Cases) -> None:
    graphs = [cases(name).graph for name in ("conv net", "language model")]
    assert {mutant.kind for graph in graphs for mutant in mutants(graph, seed=0, limit=100)} == set(KINDS)


def test_a_graph_is_equivalent_to_itself_and_to_a_rewriting(case: Any) -> None:
    assert equivalent(case.graph, case.graph, (case.inputs(3),))


def test_nearly_all_mutants_can_be_told_from_the_original(case: Any) -> None:
    made = mutants(case.graph, seed=0)
    told = [mutant for mutant in made if not equivalent(case.graph, mutant.graph, (case.inputs(4),))]
    assert len(told) >= len(made) - 1


def test_a_mutant_that_changes_nothing_does_not_count() -> None:
    class Idle(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Linear(3, 3), nn.Linear(3, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.last(torch.tanh(self.first(x)).relu().relu())

    graph = export_module(Idle(), (torch.randn(4, 3),))
    x = torch.randn(5, 3)
    fates = {
        m.description: equivalent(graph, m.graph, (x,))
        for m in of_kind(graph, "dropped layer")
        if "relu" in m.description
    }
    assert set(fates.values()) == {True}


def test_a_mutant_that_does_not_run_is_not_equivalent(cases: Cases) -> None:
    case = cases("conv net")
    tensors = {**case.graph.tensors, "head.weight": from_torch(torch.zeros(5, 3))}
    assert not equivalent(case.graph, Graph(case.graph.document, tensors), (case.inputs(3),))


def test_equivalence_leaves_the_random_generator_alone(cases: Cases) -> None:
    case = cases("conv net")
    x = case.inputs(3)
    before = torch.get_rng_state()
    equivalent(case.graph, case.graph, (x,))
    assert torch.equal(torch.get_rng_state(), before)


# ---------------------------------------------------------------- what each kind breaks


@pytest.fixture
def conv(cases: Cases) -> Any:
    return cases("conv net")


@pytest.fixture
def language(cases: Cases) -> Any:
    return cases("language model")


def test_cut_gradient_keeps_outputs_and_stops_gradients(conv: Any) -> None:
    x = conv.inputs(3)
    for mutant in of_kind(conv.graph, "cut gradient"):
        network = rebuild(mutant.graph)
        assert torch.equal(run(mutant.graph, x), run(conv.graph, x))
        out = network(x)
        without = [] if not out.requires_grad else network.parameters()
        if out.requires_grad:
            out.sum().backward()
        assert any(parameter.grad is None for parameter in without) or not out.requires_grad


def test_wrong_width_changes_the_last_axis(conv: Any) -> None:
    shapes = {tuple(run(mutant.graph, conv.inputs(3)).shape) for mutant in of_kind(conv.graph, "wrong width")}
    assert shapes == {(3, 4), (3, 10)}


def test_swapped_axes_swap_the_last_two(conv: Any, language: Any) -> None:
    (mutant,) = of_kind(conv.graph, "swapped axes")
    assert run(mutant.graph, conv.inputs(3)).shape == (5, 3)
    (mutant,) = of_kind(language.graph, "swapped axes")
    assert run(mutant.graph, language.inputs(3)).shape == (3, 11, 7)


def test_batch_leak_makes_an_example_depend_on_the_others(conv: Any) -> None:
    (mutant,) = of_kind(conv.graph, "batch leak")
    x = conv.inputs(4)
    assert torch.allclose(run(conv.graph, x)[:1], run(conv.graph, x[:1]), atol=1e-6)
    assert not torch.allclose(run(mutant.graph, x)[:1], run(mutant.graph, x[:1]), atol=1e-3)


def test_future_leaks_let_a_place_see_what_comes_after_it(cases: Cases) -> None:
    for name in ("language model", "encoder"):
        case = cases(name)
        x = case.inputs(2)
        later = x.clone()
        later[:, -1] = (later[:, -1] + 1) % 11
        made = of_kind(case.graph, "future leak")
        assert len(made) >= 2
        assert torch.allclose(run(case.graph, x)[:, :-1], run(case.graph, later)[:, :-1], atol=1e-5)
        for mutant in made:
            assert not torch.allclose(run(mutant.graph, x)[:, :-1], run(mutant.graph, later)[:, :-1], atol=1e-3)


def test_a_mask_made_inside_forward_is_shifted() -> None:
    class Masked(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            mask = torch.full((3, 3), float("-inf")).triu(1)
            seen = torch.ones(3, 3).tril()
            return (mask.exp() + seen) @ x.unsqueeze(2)

    graph = export_module(Masked(), (torch.randn(4, 3),))
    x = torch.eye(3)[2:]
    leaks = of_kind(graph, "future leak")
    assert len(leaks) == 3
    assert run(graph, x).flatten().tolist() == [0, 0, 2]
    assert sorted(run(mutant.graph, x).flatten().tolist() for mutant in leaks[:2]) == [[0, 1, 2], [0, 1, 2]]


def test_frozen_parameters_do_not_learn(conv: Any) -> None:
    for mutant in of_kind(conv.graph, "frozen parameter"):
        (frozen,) = [name for name, p in rebuild(mutant.graph).named_parameters() if not p.requires_grad]
        assert mutant.description.startswith(f"{frozen} is frozen")


def test_tied_parameters_are_frozen_together(cases: Cases) -> None:
    frozen = of_kind(cases("encoder").graph, "frozen parameter", limit=300)
    assert any(mutant.description.startswith("embed.weight is frozen") for mutant in frozen)
    for mutant in frozen:
        rebuild(mutant.graph)


def test_constant_output_nan_dtype_and_softmax(conv: Any) -> None:
    x = conv.inputs(3)
    found = {mutant.kind: run(mutant.graph, x) for mutant in mutants(conv.graph, seed=0, limit=100)}
    assert found["constant output"].unique().tolist() == [0]
    assert found["NaN output"].isnan().any()
    assert found["wrong dtype"].dtype == torch.float64
    assert torch.allclose(found["softmax output"].sum(-1), torch.ones(3))


def test_noise_is_there_in_eval_mode_alone(conv: Any) -> None:
    (mutant,) = of_kind(conv.graph, "noise in eval")
    x, network = conv.inputs(3), rebuild(mutant.graph)
    assert torch.equal(run(mutant.graph, x, training=True), run(conv.graph, x, training=True))
    assert not torch.equal(network.eval()(x), network(x))


def test_a_dropped_layer_is_gone(conv: Any) -> None:
    for mutant in of_kind(conv.graph, "dropped layer"):
        for mode in ("train", "eval"):
            assert len(mutant.graph.document[mode]["nodes"]) == len(conv.graph.document[mode]["nodes"]) - 1


def test_a_network_that_says_nothing_of_shapes_has_fewer_kinds(conv: Any) -> None:
    document = dict(conv.graph.document)
    for mode in ("train", "eval"):
        nodes = [{k: v for k, v in node.items() if k != "shape"} for node in document[mode]["nodes"]]
        document[mode] = {**document[mode], "nodes": nodes}
    kinds = {mutant.kind for mutant in mutants(Graph(document, conv.graph.tensors), seed=0, limit=100)}
    assert kinds & {"wrong width", "swapped axes", "dropped layer"} == set()
    assert {"batch leak", "cut gradient"} <= kinds


def test_a_malformed_graph_has_no_mutants() -> None:
    with pytest.raises(CandidateError):
        mutants(Graph({}, {}), seed=0)
