"""What a graph's document alone tells of a network."""

import math

import pytest
import torch
from torch import Tensor, nn

from neuromosaic.core.evaluation.latency import work_in
from neuromosaic.core.evaluation.wiring import FIGURES, Operation, label, structure, wiring
from neuromosaic.core.graph.export import export_module


class Branched(nn.Module):
    """A residual block, a branch that is multiplied by nothing, and a head that reshapes."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3, padding=1)
        self.one, self.two = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 1)
        self.dead = nn.Conv2d(4, 4, 1)
        self.head = nn.Linear(4 * 16, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.stem(x))
        y = x + self.two(torch.relu(self.one(x))) + self.dead(x) * 0.0
        self.dead(y)  # read by nobody
        return self.head(y.flatten(1))


@pytest.fixture(scope="module")
def operations() -> list[Operation]:
    return wiring(export_module(Branched(), (torch.randn(2, 1, 4, 4),)))


def test_operations_stand_in_order_and_read_earlier_ones(operations: list[Operation]) -> None:
    kinds = [one.kind for one in operations]
    assert kinds[0] == "input"
    assert kinds[-1] == "linear"
    assert kinds.count("conv2d") == 3  # what the output is made of: the dead one is multiplied by nothing
    assert all(source < place for place, one in enumerate(operations) for source in one.sources)
    assert not {"view", "flatten", "reshape"} & {*kinds}


def test_figures_are_logarithms_of_weights_kernel_channels_and_values(operations: list[Operation]) -> None:
    stem, head = operations[1], operations[-1]
    assert stem.figures == tuple(math.log2(1 + figure) for figure in (36, 9, 4, 64))
    assert head.figures == tuple(math.log2(1 + figure) for figure in (192, 1, 3, 3))
    assert label(stem) == "conv2d over 9"
    assert label(head) == "linear"
    assert operations[0].figures == (0.0,) * len(FIGURES)


def test_paths_are_counted_by_their_layers_with_weights(operations: list[Operation]) -> None:
    found = structure(operations)
    assert (found["shortest path"], found["longest path"], found["mean path"]) == (2.0, 4.0, 3.0)
    assert found["paths"] == pytest.approx(math.log(3))
    assert found["how many conv2d over 9"] == 2
    assert found["how many relu"] == 2


def test_an_output_without_an_input_has_no_path_and_too_many_paths_no_number() -> None:
    alone = [Operation("input", (0.0,) * 4, ()), Operation("zeros", (0.0,) * 4, ())]
    assert structure(alone) == {"how many zeros": 1.0}
    assert structure([]) == {}
    deep = [Operation("input", (0.0,) * 4, ())]
    for _ in range(1100):  # each doubles the paths
        deep += [
            Operation("relu", (0.0,) * 4, (len(deep) - 1,)),
            Operation("add", (0.0,) * 4, (len(deep) - 1, len(deep))),
        ]
    found = structure(deep)
    assert "paths" not in found
    assert found["longest path"] == 0


def test_a_recurrent_layer_s_weights_are_all_counted() -> None:
    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.read = nn.GRU(3, 5, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = self.read(x)[0]
            return y

    graph = export_module(Reader(), (torch.randn(2, 7, 3),))
    (gru,) = [one for one in wiring(graph) if one.weighted]
    assert 2 ** gru.figures[0] == pytest.approx(1 + 15 * 3 + 15 * 5)


def test_the_work_of_a_network_is_its_operations_and_their_values(operations: list[Operation]) -> None:
    work = work_in(operations, flops=1000.0, parameters=300.0)
    assert (work.flops, work.layers, work.weights) == (1000.0, len(operations) - 1, 300.0)
    assert work.values == pytest.approx(sum(64 for one in operations[1:-1]) + 3)
