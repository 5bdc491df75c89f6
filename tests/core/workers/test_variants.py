"""Smaller numbers compute nearly the same, and the programs hold them as integers or bfloat16."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from neuromosaic.core.workers.conversion import program
from neuromosaic.core.workers.variants import LARGEST, Int8Linear, in_bfloat16, in_int8, quantised

pytestmark = pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")  # PyTorch's own, when it copies a program


class Recurrent(nn.Module):
    def __init__(self, kind: type[nn.RNNBase]) -> None:
        super().__init__()
        self.read = kind(6, 8, num_layers=2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.read(x)[0][:, -1])


class Takes(nn.Module):
    """As a rebuilt graph does: any number of tensors."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.inner(*inputs)  # type: ignore[no-any-return]


def outputs(module: nn.Module, x: Tensor) -> tuple[Tensor, Tensor, dict[str, object], nn.Module]:
    """Of the network, and of its int8 variant."""
    torch.manual_seed(0)
    held = Takes(module).eval()
    with torch.no_grad():
        changed, told = in_int8(program(held, x[:3]))
        return module.eval()(x), changed(x), told, changed


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(1, 20), st.integers(0, 10**6), st.floats(1e-3, 1e3))
def test_a_weight_comes_back_to_half_a_step(inputs: int, rows: int, seed: int, scale: float) -> None:
    weight = scale * torch.randn(rows, inputs, generator=torch.Generator().manual_seed(seed))
    levels, step = quantised(weight)
    assert levels.dtype == torch.int8
    assert int(levels.abs().max()) <= LARGEST
    assert bool(((levels * step[:, None] - weight).abs() <= 0.501 * step[:, None]).all())


def test_an_example_is_rounded_alone_whatever_its_batch() -> None:
    layer = Int8Linear(torch.randn(5, 12), torch.randn(5))
    x = torch.randn(9, 4, 12) * torch.logspace(-2, 2, 9)[:, None, None]
    together = layer(x)
    for row in range(9):
        torch.testing.assert_close(layer(x[row : row + 1])[0], together[row])


def test_a_layer_of_zeros_gives_its_bias() -> None:
    layer = Int8Linear(torch.zeros(2, 3), torch.tensor([1.0, -1.0]))
    torch.testing.assert_close(layer(torch.zeros(4, 3)), torch.tensor([[1.0, -1.0]]).expand(4, 2))


@pytest.mark.filterwarnings("ignore:The tensor attributes:UserWarning")
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_recurrent_layers_keep_their_matrices_as_integers(kind: type[nn.RNNBase]) -> None:
    expected, ours, told, changed = outputs(Recurrent(kind), torch.randn(7, 5, 6))
    assert told == {"linear": 1, "recurrent": 1}
    assert 0 < float((ours - expected).abs().max()) < 0.02
    floats = [name for name, tensor in changed.state_dict().items() if tensor.dim() == 2 and tensor.shape[1] > 1
              and tensor.is_floating_point()]  # fmt: skip
    assert floats == []


def test_a_layer_used_twice_is_the_same_twice() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one = nn.Linear(6, 6, bias=False)

        def forward(self, x: Tensor) -> Tensor:
            return self.one(torch.relu(self.one(x)))

    expected, ours, told, _ = outputs(Tied(), torch.randn(8, 6))
    assert told["linear"] == 2
    torch.testing.assert_close(ours, expected, rtol=0.1, atol=0.05)


def test_a_network_without_such_layers_is_refused() -> None:
    with pytest.raises(ValueError, match="no linear or recurrent layer"):
        outputs(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten()), torch.randn(4, 1, 5, 5))


def test_bfloat16_computes_in_it_and_answers_in_float32() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv1d(2, 4, 3), nn.BatchNorm1d(4), nn.ReLU(), nn.Flatten(), nn.Linear(24, 3)).eval()
    x = torch.randn(5, 2, 8)
    with torch.no_grad():
        expected = network(x)
        changed, _ = in_bfloat16(program(Takes(network), x[:3]))
        ours = changed(x)
    assert {tensor.dtype for tensor in changed.state_dict().values() if tensor.is_floating_point()} == {
        torch.bfloat16
    }
    assert ours.dtype == torch.float32
    torch.testing.assert_close(ours, expected, rtol=0.05, atol=0.05)


def test_ids_stay_integers_in_bfloat16() -> None:
    network = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 2)).eval()
    ids = torch.randint(9, (4, 3))
    with torch.no_grad():
        changed, _ = in_bfloat16(program(Takes(network), ids[:3]))
        torch.testing.assert_close(changed(ids), network(ids), rtol=0.05, atol=0.02)
