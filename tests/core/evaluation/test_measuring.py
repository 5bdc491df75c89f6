import gc
import time
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from neuromosaic.core.evaluation import measuring
from neuromosaic.core.evaluation.measuring import flops, latency, memory, parameters


class Attending(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.scaled_dot_product_attention(x, x, x)


class SpeltOut(nn.Module):
    """Attention scores without a matrix product."""

    def forward(self, x: Tensor) -> Tensor:
        return (x[:, :, None] * x[:, None]).sum(-1)


class Scaled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(8))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gain * 2.0


class VectorProduct(nn.Module):
    def __init__(self, added: bool) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(8, 16)), torch.zeros(8) if added else None

    def forward(self, x: Tensor) -> Tensor:
        row = x[0]
        return self.weight @ row if self.bias is None else torch.addmv(self.bias, self.weight, row)


class Dot(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.dot(x[0], x[0])


def test_parameters_are_the_trainable_ones_with_shared_ones_counted_once() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.BatchNorm1d(4))
    module[1].weight = module[0].weight
    module[1].bias.requires_grad_(False)
    assert parameters(module) == 16 + 4 + 8


@pytest.mark.parametrize(
    ("module", "shape", "expected"),
    [
        (nn.Linear(100, 30), (100,), 2 * 100 * 30),
        (nn.Linear(100, 30), (5, 100), 2 * 5 * 100 * 30),
        (nn.Conv2d(3, 8, 3, padding=1, stride=2), (3, 8, 8), 2 * (4 * 4 * 8) * (3 * 3 * 3)),
        (nn.Conv2d(8, 8, 3, groups=8), (8, 6, 6), 2 * (4 * 4 * 8) * 9),
        (nn.Conv1d(4, 6, 5), (4, 20), 2 * (16 * 6) * (4 * 5)),
        (nn.LSTM(8, 16, batch_first=True), (5, 8), 2 * 5 * (8 + 16) * 16 * 4),
        (nn.LSTM(8, 16, num_layers=2, bidirectional=True), (1, 8), 2 * (8 + 16 + 32 + 16) * 16 * 4 * 2),
        (nn.GRU(8, 16, batch_first=True), (5, 8), 2 * 5 * (8 + 16) * 16 * 3),
        (Attending(), (2, 6, 4), 2 * (2 * 2 * 6 * 6 * 4)),
        (
            nn.TransformerEncoderLayer(16, 4, 32, batch_first=True),
            (5, 16),
            2 * 5 * (16 * 48 + 16 * 16 + 2 * 16 * 32) + 2 * 2 * 5 * 5 * 16,
        ),
        (SpeltOut(), (6, 4), 2 * 6 * 6 * 4),
        (Scaled(), (8,), 0),
        (VectorProduct(added=False), (16,), 2 * 8 * 16),
        (VectorProduct(added=True), (16,), 2 * 8 * 16),
        (Dot(), (16,), 2 * 16),
        (nn.Sequential(nn.ReLU(), nn.Dropout(), nn.LayerNorm(8)), (8,), 0),
    ],
)
def test_flops_are_two_for_each_multiply_add_of_one_example(
    module: nn.Module, shape: tuple[int, ...], expected: int
) -> None:
    assert flops(module, (torch.randn(1, *shape),)) == expected


def test_counting_leaves_mode_and_kernels_as_they_were() -> None:
    module = nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 2)).train()
    flops(module, (torch.randn(1, 4),))
    assert module.training
    assert module[0].num_batches_tracked == 0
    assert torch.backends.mha.get_fastpath_enabled()


def test_peak_memory_of_a_known_network() -> None:
    """While the last layer runs: all weights, the inputs, the wide activation (ReLU in place) and the outputs."""
    module = nn.Sequential(nn.Linear(100, 5000), nn.ReLU(inplace=True), nn.Linear(5000, 10))
    weights = sum(parameter.numel() for parameter in module.parameters())
    expected = 4 * (weights + 20 * (100 + 5000 + 10)) / 1e6
    assert memory(module, (torch.randn(20, 100),)).peak / 1e6 == expected


def test_peak_memory_frees_what_nothing_holds() -> None:
    deep = nn.Sequential(*[nn.Sigmoid() for _ in range(20)])
    x = torch.randn(10, 1000)
    assert memory(deep, (x,)).peak / 1e6 == memory(deep[:2], (x,)).peak / 1e6 == 3 * x.nbytes / 1e6


def test_peak_memory_counts_shared_weights_once_and_is_the_same_each_time() -> None:
    layer = nn.Linear(50, 50)
    single, twice = nn.Sequential(layer, nn.Tanh()), nn.Sequential(layer, nn.Tanh(), layer, nn.Tanh())
    x = torch.randn(1, 50)
    found = [memory(module, (x,)).peak / 1e6 for module in (single, twice, single, twice)]
    assert found[:2] == found[2:]
    assert found[0] == found[1] == 4 * (50 * 50 + 50 + 3 * 50) / 1e6


class Sleeping(nn.Module):
    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds, self.calls = seconds, 0

    def forward(self, x: Tensor) -> Tensor:
        assert not gc.isenabled()
        assert torch.is_inference_mode_enabled()
        self.calls += 1
        time.sleep(self.seconds)
        return x


def test_latency_is_in_milliseconds() -> None:
    found = latency(Sleeping(0.005), (torch.zeros(1),), 20)
    assert 5 <= found.p50 <= found.p95
    assert found.p50 < 50
    assert 0 < found.reference_ms < 100
    assert found.threads == 1
    assert gc.isenabled()


def test_a_larger_network_takes_longer() -> None:
    x = torch.randn(8, 512)
    small, large = (latency(nn.Linear(512, width), (x,), 30).p50 for width in (8, 8192))
    assert large > 3 * small


def test_a_slow_network_is_timed_fewer_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "SECONDS", 0.05)
    monkeypatch.setattr(measuring, "WARM_UP_SECONDS", 0.01)
    module = Sleeping(0.02)
    latency(module, (torch.zeros(1),), 1000)
    assert module.calls == 1 + measuring.FEWEST


@pytest.mark.parametrize(
    ("values", "expected"), [(range(1, 101), 95), (range(1, 21), 19), ([7.0], 7), ([3, 1, 2], 3), (range(1, 41), 38)]
)
def test_the_95th_percentile(values: Any, expected: float) -> None:
    assert measuring.percentile(list(values), 0.95) == expected


def test_measuring_draws_no_random_number() -> None:
    torch.manual_seed(5)
    latency(nn.Linear(3, 3, device="meta").to_empty(device="cpu"), (torch.zeros(1, 3),), 5)
    assert torch.equal(torch.rand(1), torch.rand(1, generator=torch.Generator().manual_seed(5)))
