"""Where the channels that are cut do nothing, the narrower network computes the same."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from neuromosaic.core.errors import UsageError
from neuromosaic.core.evaluation.pruning import narrowed
from neuromosaic.core.graph.tensors import from_torch, to_torch


class Residual(nn.Module):
    """Two streams of other widths, a skip, norms, and a flattening of 4 pixels a channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, width, 3, padding=1)
        self.norm = nn.BatchNorm2d(width)
        self.inner = nn.Conv2d(width, width, 3, padding=1)
        self.wide = nn.Conv2d(width, 3 * width, 1)
        self.hidden = nn.Linear(3 * width * 4, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.stem(x))
        x = torch.relu(self.wide(x + self.inner(x)))
        return self.hidden(torch.flatten(nn.functional.adaptive_avg_pool2d(x, 2), 1))


class Recurrent(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.read = nn.LSTM(6, width, batch_first=True)
        self.head = nn.Linear(width, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.read(x)[0])


def dead(module: nn.Module, alive: list[int], width: int) -> None:
    """Sets to zero what leads to the channels that are not `alive`, in every multiple of the width."""
    kept = torch.zeros(width, dtype=torch.bool)
    kept[alive] = True
    with torch.no_grad():
        for name, weight in module.named_parameters():
            size = len(weight)
            if size % width == 0:
                blocks = any(mark in name for mark in ("_ih", "_hh", "in_proj"))
                times = size // width
                mask = kept.repeat(times) if blocks else kept.repeat_interleave(times)
                weight[~mask] = 0.0


CASES = {"convolutions": (Residual, (2, 1, 8, 8)), "gates": (Recurrent, (2, 5, 6))}


@pytest.mark.parametrize("name", CASES)
def test_channels_that_do_nothing_are_the_ones_that_go(name: str) -> None:
    kind, shape = CASES[name]
    torch.manual_seed(0)
    wide, narrow = kind(8), kind(4)
    dead(wide, [1, 2, 5, 7], 8)
    shapes = {key: tuple(value.shape) for key, value in narrow.state_dict().items()}
    cut = narrowed({key: from_torch(value) for key, value in wide.state_dict().items()}, shapes)
    narrow.load_state_dict({key: to_torch(value) for key, value in cut.items()})
    x = torch.randn(*shape)
    torch.testing.assert_close(wide.eval()(x), narrow.eval()(x))


def test_queries_keys_and_values_lose_the_same_channels() -> None:
    wide, narrow = nn.MultiheadAttention(4, 1), nn.MultiheadAttention(2, 1)
    dead(wide, [1, 2], 4)
    shapes = {key: tuple(value.shape) for key, value in narrow.state_dict().items()}
    cut = narrowed({key: from_torch(value) for key, value in wide.state_dict().items()}, shapes)
    rows = [1, 2, 5, 6, 9, 10]
    assert torch.equal(to_torch(cut["in_proj_weight"]), wide.in_proj_weight.detach()[rows][:, [1, 2]])


def test_the_largest_stay_and_running_statistics_do_not_vote() -> None:
    wide = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4))
    with torch.no_grad():
        wide[0].weight[:] = torch.tensor([[9.0, 0], [0.1, 0], [0, 5], [0, 0.2]])
        wide[0].bias.zero_()
    wide[1].running_mean[:] = torch.tensor([1.0, 2000, 3, 4000])
    shapes = {
        key: tuple(value.shape)
        for key, value in nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).state_dict().items()
    }
    cut = narrowed({key: from_torch(value) for key, value in wide.state_dict().items()}, shapes)
    assert to_torch(cut["0.weight"]).tolist() == [[9, 0], [0, 5]]
    assert to_torch(cut["1.running_mean"]).tolist() == [1, 3]
    assert to_torch(cut["1.num_batches_tracked"]) == 0


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda: nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2)), "not layers"),
        (lambda: nn.Sequential(nn.Linear(3, 9)), "cannot be cut"),
        (lambda: nn.Sequential(nn.Conv1d(3, 2, 1)), "cannot be cut"),
    ],
)
def test_other_kinds_of_networks_are_refused(change: Callable[[], nn.Module], fault: str) -> None:
    wide = copy.deepcopy(nn.Sequential(nn.Linear(3, 4)))
    shapes = {key: tuple(value.shape) for key, value in change().state_dict().items()}
    with pytest.raises(UsageError, match=fault):
        narrowed({key: from_torch(value) for key, value in wide.state_dict().items()}, shapes)
