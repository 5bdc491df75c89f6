import itertools

import pytest
import torch
from torch import Tensor, nn

from neuromosaic.core.evaluation.optimisation import make_optimizer, rate_factor
from neuromosaic.core.evaluation.recipe import Recipe


class Reader(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(5, 4))  # an embedding that no layer's class gives away
        self.norm, self.head = nn.LayerNorm(4), nn.Linear(4, 5)
        self.frozen = nn.Parameter(torch.randn(3, 3), requires_grad=False)

    def forward(self, ids: Tensor) -> Tensor:
        return self.head(self.norm(nn.functional.embedding(ids, self.table)))


def test_only_weights_of_matrix_products_decay() -> None:
    module = Reader()
    optimizer = make_optimizer(module, torch.zeros(2, 3, dtype=torch.int64), Recipe(weight_decay=0.1))
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    decayed, plain = ({names[id(parameter)] for parameter in group["params"]} for group in optimizer.param_groups)
    assert decayed == {"head.weight"}
    assert plain == {"table", "norm.weight", "norm.bias", "head.bias"}
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.1, 0.0]


def test_a_network_without_decaying_weights_has_one_group() -> None:
    optimizer = make_optimizer(nn.LayerNorm(4), torch.zeros(2, 4), Recipe())
    assert len(optimizer.param_groups) == 1


def test_looking_for_tables_changes_neither_mode_nor_statistics_nor_randomness() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5)).train()
    torch.manual_seed(3)
    make_optimizer(module, torch.randn(2, 4, generator=torch.Generator().manual_seed(0)), Recipe())
    after = torch.rand(1)
    assert torch.equal(after, torch.rand(1, generator=torch.Generator().manual_seed(3)))
    assert module.training
    assert module[1].num_batches_tracked == 0


def test_the_rate_rises_linearly_then_falls_to_zero() -> None:
    factors = [rate_factor(step, 100, 0.1) for step in range(100)]
    assert factors[:10] == pytest.approx([0.1 * k for k in range(1, 11)])
    assert factors[10] == 1
    assert factors[55] == pytest.approx(0.5)
    assert all(one > other for one, other in itertools.pairwise(factors[10:]))
    assert 0 < factors[-1] < 0.001
    assert rate_factor(100, 100, 0.1) == pytest.approx(0)


def test_other_schedules_fall_in_a_line_or_stay() -> None:
    lines = [rate_factor(step, 100, 0.1, "linear") for step in range(101)]
    assert lines[:10] == pytest.approx([0.1 * k for k in range(1, 11)])
    assert lines[55] == pytest.approx(0.5)
    assert lines[100] == pytest.approx(0)
    assert [rate_factor(step, 100, 0.1, "constant") for step in (0, 10, 99)] == pytest.approx([0.1, 1, 1])


@pytest.mark.parametrize(("steps", "warmup"), [(1, 0.0), (1, 0.99), (2, 0.5), (7, 0.05)])
def test_short_schedules_never_divide_by_zero_nor_stand_still(steps: int, warmup: float) -> None:
    assert all(0 < rate_factor(step, steps, warmup) <= 1 for step in range(steps))
