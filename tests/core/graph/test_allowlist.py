"""What a judge runs, and what it does not."""

import operator
from typing import Any

import pytest
import torch
from torch import nn

from neuromosaic.core.graph.allowlist import ALLOWED, ATEN, IN_PLACE, callable_of, keywords_of, name_of
from neuromosaic.core.graph.export import export_module
from neuromosaic.core.graph.guards import GUARDS
from neuromosaic.core.graph.rebuild import rebuild

GUARDED = frozenset(GUARDS)


def test_every_allowed_name_is_an_operation_and_has_one_name() -> None:
    for name in ALLOWED:
        assert callable(callable_of(name))
    assert all(name_of(callable_of(name)) == name for name in ALLOWED - GUARDED)


def test_only_the_operations_in_place_write_into_their_arguments() -> None:
    writing = {name for name in ATEN - GUARDED if callable_of(name)._schema.is_mutable}
    assert writing == IN_PLACE


def test_nothing_allowed_reads_what_it_did_not_write_or_leaves_the_process() -> None:
    words = ("empty", "as_strided", "set_", "resize", "file", "print", "seed", "storage", "copy_from")
    assert [name for name in ALLOWED if any(word in name.split(".")[1] for word in words)] == []
    assert [name for name in ATEN if "out" in keywords_of(name)] == []


@pytest.mark.parametrize(
    "name", ["aten.empty.memory_format", "aten.as_strided.default", "os.system", "torch.load", "operator.pow.x", ""]
)
def test_any_other_name_is_refused(name: str) -> None:
    with pytest.raises(KeyError):
        callable_of(name)


@pytest.mark.parametrize(
    "function", [torch.ops.aten.empty.memory_format, torch.ops.higher_order.cond, torch.load, print, object()]
)
def test_what_is_not_allowed_has_a_name_that_is_not_allowed(function: object) -> None:
    assert name_of(function) not in ALLOWED


def test_a_power_has_one_meaning_in_export_and_rebuild() -> None:
    assert callable_of(name_of(operator.pow))(-2, 2) == 4


def test_a_pad_that_would_return_unwritten_memory_is_refused() -> None:
    pad, x = callable_of("aten.pad.default"), torch.arange(4.0)[None]
    with pytest.raises(ValueError, match="cannot be negative"):
        pad(x, [-3, 2], "circular")
    assert pad(x, [1, 1], "circular").tolist() == [[3, 0, 1, 2, 3, 0]]
    assert pad(x, [-1, 1], value=7.0).tolist() == [[1, 2, 3, 7]]
    assert "mode" in keywords_of("aten.pad.default")


@pytest.mark.parametrize(
    ("v", "g", "dim"), [((3, 2), (1, 1), 0), ((3, 2), (3, 1), 1), ((0, 2), (0, 1), 0), ((3,), (3,), 5)]
)
def test_a_weight_norm_that_would_reach_beyond_its_tensors_is_refused(v: Any, g: Any, dim: int) -> None:
    with pytest.raises(ValueError, match="needs magnitudes"):
        callable_of("aten._weight_norm.default")(torch.ones(v), torch.ones(g), dim)


def test_a_grid_sampler_in_a_mode_that_does_not_exist_is_refused() -> None:
    sample, x = callable_of("aten.grid_sampler.default"), torch.ones(1, 1, 4, 4)
    grid = torch.zeros(1, 2, 2, 2)
    for modes in ((3, 0), (-1, 0), (0, 3)):
        with pytest.raises(ValueError, match="no interpolation"):
            sample(x, grid, *modes, False)
    assert sample(x, grid, 0, 0, False).tolist() == [[[[1, 1], [1, 1]]]]


TABLE, IDS = torch.ones(4, 3), torch.tensor([0, 1, 3])


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((TABLE, IDS, torch.tensor([0, 2, 1])), {}),
        ((TABLE, IDS, torch.tensor([1, 2])), {}),
        ((TABLE, IDS, torch.tensor([0, 4])), {}),
        ((TABLE, IDS, torch.tensor([0, 2])), {"include_last_offset": True}),
        ((TABLE, IDS, torch.tensor([0])), {"include_last_offset": True}),
        ((TABLE, IDS, torch.tensor([], dtype=torch.int64)), {}),
        ((torch.ones(0, 3), IDS, torch.tensor([0])), {}),
        ((TABLE, IDS[None], torch.tensor([0])), {}),
        ((TABLE, IDS, torch.tensor([0])), {"mode": 3}),
        ((TABLE, IDS, torch.tensor([0])), {"sparse": True}),
        ((TABLE, IDS, torch.tensor([0])), {"per_sample_weights": torch.ones(2)}),
        ((TABLE, IDS, torch.tensor([0])), {"per_sample_weights": torch.ones(3), "mode": 1}),
    ],
)
def test_an_embedding_bag_that_would_reach_beyond_its_tensors_is_refused(arguments: Any, named: Any) -> None:
    with pytest.raises(ValueError, match="embedding bag"):
        callable_of("aten.embedding_bag.padding_idx")(*arguments, **named)


def test_an_embedding_bag_tells_nothing_that_was_not_written() -> None:
    bag = callable_of("aten.embedding_bag.padding_idx")
    bags, *told = bag(TABLE, IDS, torch.tensor([0, 2]))
    assert bags.tolist() == [[2, 2, 2], [1, 1, 1]]
    assert not any(tensor.any() for tensor in told)
    assert bag(TABLE, IDS, torch.tensor([0, 3]), include_last_offset=True)[0].tolist() == [[3, 3, 3]]
    shape = bag(TABLE.to("meta"), IDS.to("meta"), torch.zeros(2, dtype=torch.int64, device="meta"))[0].shape
    assert shape == (2, 3)


STATES = [torch.zeros(1, 2, 4), torch.zeros(1, 2, 4)]
WEIGHTS = [torch.zeros(16, 3), torch.zeros(16, 4), torch.zeros(16), torch.zeros(16)]


@pytest.mark.parametrize(
    ("x", "states", "weights", "layers"),
    [
        (torch.zeros(5, 2, 3), STATES, [*WEIGHTS[:3], torch.zeros(1)], 1),
        (torch.zeros(5, 2, 3), STATES, WEIGHTS[:3], 1),
        (torch.zeros(5, 2, 3), STATES, [torch.zeros(16, 8), *WEIGHTS[1:]], 1),
        (torch.zeros(5, 2, 3), [STATES[0], torch.zeros(1, 8, 4)], WEIGHTS, 1),
        (torch.zeros(5, 2, 3), [STATES[0], torch.zeros(2, 4)], WEIGHTS, 1),
        (torch.zeros(5, 2, 3), STATES[:1], WEIGHTS, 1),
        (torch.zeros(5, 1, 3), STATES, WEIGHTS, 1),
        (torch.zeros(5, 2, 3, dtype=torch.float64), STATES, WEIGHTS, 1),
        (torch.zeros(5, 2), STATES, WEIGHTS, 1),
        (torch.zeros(5, 2, 3), STATES, WEIGHTS, 2),
        (torch.zeros(5, 2, 3), STATES, [], 0),
    ],
)
def test_an_lstm_that_would_reach_beyond_its_tensors_is_refused(
    x: Any, states: Any, weights: Any, layers: int
) -> None:
    lstm = callable_of("aten.lstm.input")
    with pytest.raises(ValueError, match="needs"):
        lstm(x, states, weights, True, layers, 0.0, False, False, False)
    assert lstm(torch.zeros(5, 2, 3), STATES, WEIGHTS, True, 1, 0.0, False, False, False)[0].shape == (5, 2, 4)


class Recurrent(nn.Module):
    def __init__(self, layer: nn.RNNBase) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)[0]


class Bags(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.bags = nn.EmbeddingBag(5, 2, mode="max", padding_idx=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.bags(x.long().clamp(0, 4))


@pytest.mark.parametrize(
    "module",
    [
        nn.utils.parametrizations.weight_norm(nn.Conv1d(3, 4, 2)),
        nn.Sequential(nn.Flatten(), nn.Threshold(0, 0), Bags()),
        Recurrent(nn.LSTM(3, 4, 2, proj_size=2, bidirectional=True)),
        Recurrent(nn.LSTM(3, 4, bias=False, batch_first=True)),
        Recurrent(nn.GRU(3, 4, 2, bidirectional=True)),
        Recurrent(nn.RNN(3, 4, 3, nonlinearity="relu")),
        Recurrent(nn.RNN(3, 4)),
    ],
)
def test_layers_whose_operations_are_guarded_survive(module: nn.Module) -> None:
    x = torch.randn(5, 3, 3)
    rebuilt = rebuild(export_module(module, (torch.randn(4, 3, 3),)))
    torch.testing.assert_close(rebuilt(x), module(x), rtol=0, atol=0)
