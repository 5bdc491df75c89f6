"""A moving average of weights, which stands in for them and steps aside again."""

import torch
from torch import nn

from neuromosaic.core.evaluation.averaging import Average


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Linear(2, 2)
        self.other = self.one
        self.norm = nn.BatchNorm1d(2)


def test_it_begins_at_the_weights_and_follows_them_more_and_more_slowly() -> None:
    module = nn.Linear(1, 1, bias=False)
    average = Average(module, 0.5)
    seen = []
    for value in (1.0, 1.0, 1.0, 1.0):
        nn.init.constant_(module.weight, value)
        if not seen:
            nn.init.constant_(average.values[0], 0.0)
        average.update()
        seen.append(float(average.values[0]))
    expected, mean = [], 0.0
    for step in range(1, 5):
        decay = min(0.5, (1 + step) / (10 + step))
        mean = decay * mean + (1 - decay)
        expected.append(mean)
    assert torch.allclose(torch.tensor(seen), torch.tensor(expected))


def test_a_tied_weight_is_swapped_once_and_everything_comes_back() -> None:
    module = Tied()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    average = Average(module, 0.9)
    for value in average.values:
        value.fill_(7.0)
    with average.in_place():
        inside = module.state_dict()
        assert all((tensor == 7).all() for tensor in inside.values() if tensor.is_floating_point())
        assert inside["norm.num_batches_tracked"] == 0
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())
    assert all((value == 7).all() for value in average.values)
