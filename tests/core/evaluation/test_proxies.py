"""Each proxy against its formula, worked out without the network's own code."""

import math

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 (its usual name)
from torch import Tensor, nn

from neuromosaic.core.evaluation.proxies import PROXIES, Probe, proxies
from neuromosaic.core.graph.export import export_module
from neuromosaic.core.graph.rebuild import Rebuilt, rebuild

X = torch.randn(6, 4, generator=torch.Generator().manual_seed(1))
Y = torch.tensor([0, 1, 2, 0, 1, 2])
A = torch.randn(5, 4, generator=torch.Generator().manual_seed(2))
B = torch.randn(3, 5, generator=torch.Generator().manual_seed(3))


def probe_of(module: nn.Module, x: Tensor = X) -> Probe:
    rebuilt = rebuild(export_module(module, (x[:2],)))
    assert isinstance(rebuilt, Rebuilt)
    return Probe(rebuilt, x, Y, F.cross_entropy)


@pytest.fixture
def probe() -> Probe:
    """scores = B relu(A x)."""
    net = nn.Sequential(nn.Linear(4, 5, bias=False), nn.ReLU(), nn.Linear(5, 3, bias=False))
    with torch.no_grad():
        net[0].weight.copy_(A)
        net[2].weight.copy_(B)
    return probe_of(net)


def by_hand(x: Tensor = X, y: Tensor = Y) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Hidden activations, the loss's gradient by them, and those by A and B."""
    hidden = (x @ A.T).relu()
    error = ((hidden @ B.T).softmax(1) - F.one_hot(y, 3)) / len(x)
    back = error @ B
    return hidden, back, ((back * (hidden > 0)).T @ x), error.T @ hidden


def test_sizes(probe: Probe) -> None:
    assert PROXIES["parameters"](probe) == 20 + 15
    assert PROXIES["flops"](probe) == 2 * (20 + 15)


def test_grad_norm_and_snip(probe: Probe) -> None:
    _, _, by_a, by_b = by_hand()
    assert PROXIES["grad_norm"](probe) == pytest.approx(float(by_a.norm() + by_b.norm()), rel=1e-5)
    assert PROXIES["snip"](probe) == pytest.approx(float((A * by_a).abs().sum() + (B * by_b).abs().sum()), rel=1e-5)


def test_grasp_is_the_change_of_the_gradients_norm_along_the_weights(probe: Probe) -> None:
    """-w'Hg is minus half the derivative of |g|^2 along w: here by central differences in float64."""

    def squared(scale: float) -> float:
        a, b, x = (tensor.double() for tensor in (A * scale, B * scale, X))
        hidden = (x @ a.T).relu()
        error = ((hidden @ b.T).softmax(1) - F.one_hot(Y, 3)) / len(x)
        return float((((error @ b) * (hidden > 0)).T @ x).pow(2).sum() + (error.T @ hidden).pow(2).sum())

    expected = -(squared(1 + 1e-4) - squared(1 - 1e-4)) / 2e-4 / 2
    assert PROXIES["grasp"](probe) == pytest.approx(expected, rel=1e-3)


def test_synflow_counts_every_path_once_for_each_layer(probe: Probe) -> None:
    paths = float((B.abs() @ A.abs()).sum())
    assert PROXIES["synflow"](probe) == pytest.approx(math.log(2 * paths), rel=1e-5)


def test_fisher(probe: Probe) -> None:
    hidden, back, _, _ = by_hand()
    assert PROXIES["fisher"](probe) == pytest.approx(float((hidden * back).pow(2).mean(0).sum() / 2), rel=1e-5)


def test_jacob_cov(probe: Probe) -> None:
    hidden = (X @ A.T).relu()
    rows = ((hidden > 0) * B.sum(0)) @ A
    values = torch.linalg.eigvalsh(torch.corrcoef(rows.double())) + 1e-5
    assert PROXIES["jacob_cov"](probe) == pytest.approx(float(-(values.log() + 1 / values).sum()), rel=1e-2)


def test_naswot(probe: Probe) -> None:
    codes = (X @ A.T) > 0
    kernel = (codes[:, None] == codes[None]).sum(2).double()
    expected = torch.linalg.slogdet(kernel).logabsdet
    assert PROXIES["naswot"](probe) == pytest.approx(float(expected), rel=1e-5)


def test_zico(probe: Probe) -> None:
    one, other = by_hand(X[:3], Y[:3])[2:], by_hand(X[3:], Y[3:])[2:]
    expected = 0.0
    for first, second in zip(one, other, strict=True):
        spread = (first - second).abs() / 2
        moves = spread > 1e-9
        expected += math.log(float((((first.abs() + second.abs()) / 2)[moves] / spread[moves]).sum()))
    assert PROXIES["zico"](probe) == pytest.approx(expected, rel=1e-3)


def test_zen_of_one_linear_map_with_a_norm() -> None:
    """Without a norm f is linear: its change is that of A e. A norm behind adds its deviation and divides by it."""
    plain, normed = nn.Linear(4, 5, bias=False), nn.Sequential(nn.Linear(4, 5, bias=False), nn.BatchNorm1d(5))
    with torch.no_grad():
        plain.weight.copy_(A)
        normed[0].weight.copy_(A)
    torch.manual_seed(0)
    x, noise = torch.randn_like(X), torch.randn_like(X)
    change, values = noise @ A.T, x @ A.T
    torch.manual_seed(0)
    assert PROXIES["zen"](probe_of(plain)) == pytest.approx(math.log(float(change.abs().mean())), abs=1e-3)
    after = [F.batch_norm(inputs, None, None, training=True) for inputs in (values, values + 0.01 * change)]
    expected = math.log(float((after[0] - after[1]).abs().mean() / 0.01)) + math.log(
        float(values.var(0).mean().sqrt())
    )
    torch.manual_seed(0)
    assert PROXIES["zen"](probe_of(normed)) == pytest.approx(expected, abs=1e-2)


def test_all_of_them_leave_the_network_as_it_was() -> None:
    torch.manual_seed(0)
    images = torch.randn(6, 3, 8, 8)
    net = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(4, 3),
    )  # fmt: skip
    probe = probe_of(net, images)
    before = {name: tensor.clone() for name, tensor in probe.module.state_dict().items()}
    found = proxies(probe)
    assert set(found) == set(PROXIES)
    assert found == proxies(probe)
    assert all(torch.equal(tensor, before[name]) for name, tensor in probe.module.state_dict().items())


def test_what_a_network_does_not_have_is_left_out() -> None:
    found = proxies(probe_of(nn.Linear(4, 3)))
    assert "naswot" not in found
    assert {"parameters", "synflow", "snip"} <= set(found)
