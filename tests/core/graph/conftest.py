"""Small networks of many kinds, what goes into them, and their graphs."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from neuromosaic.core.graph.document import Graph
from neuromosaic.core.graph.export import export_module


class ConvNet(nn.Module):
    """Batch norm, dropout, an in-place activation."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.MaxPool2d(2)
        )
        self.drop = nn.Dropout(0.3)
        self.head = nn.Linear(4 * 4 * 4, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.drop(self.features(x).flatten(1)))


class ResNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 1)
        self.one = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(4)
        self.two = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(4)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        y = self.norm2(self.two(functional.relu(self.norm1(self.one(x)))))
        y += x
        return self.head(torch.flatten(self.pool(functional.relu_(y)), 1))


class Depthwise(nn.Module):
    """Depthwise convolution, squeeze and excitation, group norm, stochastic depth per example."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 8, 3, stride=2, padding=1)
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.norm = nn.GroupNorm(2, 8)
        self.squeeze = nn.Conv2d(8, 2, 1)
        self.excite = nn.Conv2d(2, 8, 1)
        self.scale = nn.Parameter(torch.full((8, 1, 1), 0.5))
        self.head = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        y = functional.hardswish(self.norm(self.depthwise(x)))
        y = y * torch.sigmoid(self.excite(functional.silu(self.squeeze(y.mean((2, 3), keepdim=True)))))
        if self.training:
            y = y * torch.rand(x.shape[0], 1, 1, 1, device=x.device).lt(0.9) / 0.9
        return self.head((x + self.scale * y).mean(dim=(-2, -1)))


class Recurrent(nn.Module):
    def __init__(self, kind: type[nn.RNNBase]) -> None:
        super().__init__()
        self.rnn = kind(3, 6, num_layers=2, batch_first=True, bidirectional=True, dropout=0.2)
        self.head = nn.Linear(12, 5)

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.rnn(x)
        return self.head(y[:, -1])


class Encoder(nn.Module):
    """nn.TransformerEncoder over ids, causal, tied to its embedding, with a positional buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(11, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        angles = torch.arange(16)[:, None] * torch.exp(torch.arange(0, 8, 2) * -math.log(10.0))
        self.register_buffer("positions", torch.cat([angles.sin(), angles.cos()], 1), persistent=False)
        self.head = nn.Linear(8, 11, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, ids: Tensor) -> Tensor:
        time = ids.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(time, device=ids.device)
        x = self.embed(ids) * math.sqrt(8) + self.positions[:time]
        return self.head(self.encoder(x, mask=mask, is_causal=True))


class LanguageModel(nn.Module):
    """Attention by hand: a triangular mask buffer, masked_fill, positions from arange, RMS norm, SwiGLU."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(11, 8), nn.Embedding(16, 8)
        self.norm = nn.RMSNorm(8)
        self.qkv = nn.Linear(8, 24, bias=False)
        self.gate, self.up, self.down = nn.Linear(8, 16), nn.Linear(8, 16), nn.Linear(16, 8)
        self.register_buffer("mask", torch.tril(torch.ones(16, 16)).bool())
        self.head = nn.Linear(8, 11)

    def forward(self, ids: Tensor) -> Tensor:
        batch, time = ids.shape
        x = self.tokens(ids) + self.places(torch.arange(time, device=ids.device))
        q, k, v = (part.view(batch, time, 2, 4).transpose(1, 2) for part in self.qkv(self.norm(x)).chunk(3, -1))
        scores = (q @ k.transpose(-2, -1) / 2).masked_fill(~self.mask[:time, :time], float("-inf"))
        x = x + (scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, time, -1)
        return self.head(x + self.down(functional.silu(self.gate(x)) * self.up(x)))


class Attention(nn.Module):
    """Scaled dot product attention with a class token expanded over the batch, and einsum."""

    def __init__(self) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.zeros(1, 1, 8))
        self.embed = nn.Conv2d(1, 8, 4, stride=4)
        self.norm = nn.LayerNorm(8)
        self.attend = nn.MultiheadAttention(8, 2, dropout=0.1, batch_first=True)
        self.mix = nn.Parameter(torch.randn(8, 8) / 3)
        self.head = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], dim=1)
        y = self.norm(x)
        x = x + self.attend(y, y, y, need_weights=False)[0]
        x = x + functional.scaled_dot_product_attention(y, y, y, is_causal=True)
        return self.head(torch.einsum("btc,cd->btd", functional.gelu(x), self.mix)[:, 0])


class AutoEncoder(nn.Module):
    """Transposed convolution, interpolation, instance norm; returns a dict."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(1, 4, 3, stride=2, padding=1)
        self.norm = nn.InstanceNorm2d(4, affine=True, track_running_stats=True)
        self.up = nn.ConvTranspose2d(4, 2, 2, stride=2)
        self.out = nn.Conv2d(2, 1, 1)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        code = functional.leaky_relu(self.norm(self.down(x)), 0.1)
        smooth = functional.interpolate(code, scale_factor=2, mode="bilinear", align_corners=False)
        return {"output": self.out(self.up(code)) + smooth.mean(1, keepdim=True), "code": code}


class Regions(nn.Module):
    """no_grad and autocast regions, a plain tensor attribute, written slices, where; several outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(6, 6), nn.Linear(6, 3)
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self.register_buffer("average", torch.zeros(6))
        self.weights = torch.linspace(0, 1, 6)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        y = functional.elu(self.one(x * torch.tensor([1.0, 2.0, 3.0, 1.0, 2.0, 3.0])))
        with torch.no_grad():
            if self.training:
                self.steps += 1
                self.average.mul_(0.9).add_(y.mean(0), alpha=0.1)
            scale = y.abs().amax(dim=1, keepdim=True) + 1
            with torch.enable_grad():
                y = y + self.one(y) * self.weights
        with torch.autocast(x.device.type, enabled=False):
            z = torch.where(y > 0, y / scale, torch.zeros_like(y))
        with torch.autocast(x.device.type, dtype=torch.bfloat16):
            z = z + self.one(z).float()
        z[:, 0] = 0
        z[z > 2] = 2
        noise = torch.empty_like(z).uniform_() if self.training else torch.zeros_like(z)
        return self.two(z + 0.1 * noise - self.average), [z.sum(1), y.mean(1)]


class Shared(nn.Module):
    """One block called three times, a frozen layer, names that nn.Module uses itself, a module list."""

    def __init__(self) -> None:
        super().__init__()
        self.add_module("blocks", nn.ModuleList([nn.Linear(6, 6) for _ in range(2)]))
        self.blocks.append(self.blocks[0])
        self.norm = nn.BatchNorm1d(6)
        self.frozen = nn.Linear(6, 6).requires_grad_(False)
        self.unused = nn.Linear(2, 2)
        self.state = nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = x + torch.tanh(self.norm(block(x)))
        return self.state(self.frozen(x))


def images(batch: int) -> Tensor:
    return torch.randn(batch, 1, 8, 8)


def sequences(batch: int) -> Tensor:
    return torch.randn(batch, 5, 3)


def ids(batch: int) -> Tensor:
    return torch.randint(0, 11, (batch, 7))


def rows(batch: int) -> Tensor:
    return torch.randn(batch, 6)


NETWORKS: dict[str, tuple[Callable[[], nn.Module], Callable[[int], Tensor]]] = {
    "conv net": (ConvNet, images),
    "res net": (ResNet, images),
    "depthwise": (Depthwise, images),
    "gru": (lambda: Recurrent(nn.GRU), sequences),
    "lstm": (lambda: Recurrent(nn.LSTM), sequences),
    "encoder": (Encoder, ids),
    "language model": (LanguageModel, ids),
    "attention": (Attention, images),
    "auto-encoder": (AutoEncoder, images),
    "regions": (Regions, rows),
    "shared": (Shared, rows),
}


@dataclass
class Case:
    """A network, `inputs(batch)`, and its graph (exported with a batch of 4)."""

    name: str
    module: nn.Module
    inputs: Callable[[int], Tensor]
    graph: Graph


@pytest.fixture(scope="session")
def cases() -> Callable[[str], Case]:
    """The case of that name; each network is exported once. Use the module, but leave its weights alone."""
    made: dict[str, Case] = {}

    def case(name: str) -> Case:
        if name not in made:
            torch.manual_seed(0)
            build, inputs = NETWORKS[name]
            module = build()
            made[name] = Case(name, module, inputs, export_module(module, (inputs(4),)))
        return made[name]

    return case


@pytest.fixture(params=NETWORKS)
def case(request: pytest.FixtureRequest, cases: Callable[[str], Case]) -> Case:
    """Each of the networks in turn."""
    return cases(request.param)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)
