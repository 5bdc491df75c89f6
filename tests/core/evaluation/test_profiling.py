"""Speed by batch, traffic and the roofline."""

import pytest
import torch
from torch import nn

from neuromosaic.core.evaluation.hardware import Roofline, roofline
from neuromosaic.core.evaluation.profiling import speed, speeds, traffic

MACHINE = Roofline(gflops=50.0, gigabytes=10.0)


def test_traffic_is_what_each_operation_reads_and_writes() -> None:
    x = torch.zeros(4, 8)
    linear = 4 * (4 * 8 + 8 * 3 + 3 + 4 * 3)  # input, weight, bias, output, of four bytes
    assert traffic(nn.Linear(8, 3), (x,)) == linear
    assert traffic(nn.Sequential(nn.Linear(8, 3), nn.ReLU()), (x,)) == linear + 4 * 2 * 12
    assert traffic(nn.Flatten(), (x.view(4, 2, 4),)) == 0


def test_what_works_in_place_moves_its_operand() -> None:
    assert traffic(nn.ReLU(inplace=True), (torch.zeros(5),)) == 4 * 2 * 5


def test_a_speed_holds_together() -> None:
    module = nn.Linear(64, 32)
    found = speed(module, (torch.zeros(16, 64),), 50, MACHINE)
    assert found.batch == 16
    assert 0 < found.p50 <= found.p95 <= found.p99
    assert found.throughput == pytest.approx(16e3 / found.p50)
    assert found.flops == 2 * 16 * 64 * 32
    assert found.intensity == pytest.approx(found.flops / found.moved_bytes)
    assert found.share == pytest.approx(found.flops / found.p50 / 1e6 / (found.intensity * 10))
    assert found.reference_ms > 0
    assert module.training


def test_a_network_without_arithmetic_uses_no_share_of_it() -> None:
    found = speed(nn.Flatten(), (torch.zeros(2, 3, 3),), 5, MACHINE)
    assert (found.flops, found.intensity, found.share) == (0, 0, 0)


def test_a_speed_for_each_batch() -> None:
    found = speeds(nn.Linear(8, 3), lambda batch: (torch.zeros(batch, 8),), [1, 4], 5, MACHINE)
    assert [one.batch for one in found] == [1, 4]


def test_the_roofline_is_the_lower_of_both_limits() -> None:
    assert MACHINE.allows(1.0) == 10
    assert MACHINE.allows(1000.0) == 50
    measured = roofline("cpu")
    assert measured.gflops > 0.1
    assert measured.gigabytes > 0.1
