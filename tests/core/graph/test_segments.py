"""Activations that are computed again change nothing but the memory that training takes."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from neuromosaic.core.evaluation.measuring import _LiveBytes
from neuromosaic.core.graph.export import export_module
from neuromosaic.core.graph.rebuild import rebuild
from neuromosaic.core.graph.segments import forget_activations


def convolutions() -> nn.Module:
    layers: list[nn.Module] = []
    for width in (3, *[8] * 11):
        layers += [nn.Conv2d(width, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU()]
    return nn.Sequential(*layers, nn.Dropout(0.3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))


class Recurrent(nn.Module):
    """Shared weights, two outputs of one operation, and what is left of the first segment at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.rnn, self.head = (
            nn.Linear(4, 8),
            nn.GRU(8, 8, num_layers=2, dropout=0.2, batch_first=True),
            nn.Linear(8, 5),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x)
        left, right = torch.chunk(self.rnn(x)[0] + self.rnn(x.flip(1))[0], 2, dim=1)
        return torch.as_tensor(self.head(left.mean(1) + right.mean(1) + x[:, 0]))


CASES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "convolutions": (convolutions, (6, 3, 12, 12)),
    "recurrent": (Recurrent, (6, 10, 4)),
}


def stepped(module: nn.Module, x: Tensor) -> dict[str, Tensor]:
    """Everything that two steps leave behind."""
    torch.manual_seed(1)
    optimizer = torch.optim.AdamW(module.parameters())
    for _ in range(2):
        optimizer.zero_grad()
        nn.functional.cross_entropy(module(x), torch.arange(len(x)) % 5).backward()
        optimizer.step()
    gradients = {f"gradient/{name}": p.grad for name, p in module.named_parameters() if p.grad is not None}
    return {**module.state_dict(), **gradients, "generator": torch.get_rng_state()}


@pytest.mark.parametrize("name", CASES)
def test_nothing_changes_to_the_last_bit(name: str) -> None:
    build, shape = CASES[name]
    torch.manual_seed(0)
    graph, x = export_module(build(), (torch.randn(2, *shape[1:]),)), torch.randn(shape)
    plain, sparing = rebuild(graph).train(), rebuild(graph).train()
    assert forget_activations(sparing)
    one, other = stepped(plain, x), stepped(sparing, x)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert torch.equal(plain.eval()(x), sparing.eval()(x))


def test_it_takes_less_memory() -> None:
    torch.manual_seed(0)
    graph, x = export_module(convolutions(), (torch.randn(2, 3, 12, 12),)), torch.randn(32, 3, 12, 12)
    plain, sparing = rebuild(graph).train(), rebuild(graph).train()
    forget_activations(sparing)
    peaks = []
    for net in (plain, sparing):
        with _LiveBytes([]) as live:
            net(x).sum().backward()
        peaks.append(live.peak)
    assert peaks[1] < 0.6 * peaks[0]


def test_what_has_no_segments_stays_as_it_is() -> None:
    assert not forget_activations(convolutions())
    graph = export_module(nn.Linear(3, 2), (torch.randn(2, 3),))
    assert not forget_activations(rebuild(graph))
