import math

import torch
from torch import Tensor, nn


class Attention(nn.Module):
    """Multi-head attention of each step to all, or to those up to it.

    [batch, time, width] to the same shape (Vaswani et al., 2017).
    """

    def __init__(self, width: int, heads: int, causal: bool = False) -> None:
        super().__init__()
        self.heads = heads
        self.causal = causal
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        batch, steps, width = x.shape
        size = width // self.heads
        packed = self.query_key_value(x).view(batch, steps, 3, self.heads, size)
        query, key, value = packed.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = nn.functional.scaled_dot_product_attention(
            query, key, value, is_causal=self.causal
        )
        out: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return out


class CrossAttention(nn.Module):
    """Multi-head attention of one sequence to another.

    [batch, time, width] and [batch, steps, memory] to [batch, time, width].
    """

    def __init__(self, width: int, memory: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width, bias=False)
        self.key_value = nn.Linear(memory, 2 * width, bias=False)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, memory: Tensor) -> Tensor:
        query = self.query(x).unflatten(2, (self.heads, -1)).transpose(1, 2)
        packed = self.key_value(memory).unflatten(2, (2, self.heads, -1))
        key, value = packed.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = nn.functional.scaled_dot_product_attention(query, key, value)
        out: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return out


class TransformerBlock(nn.Module):
    """Attention, then a perceptron, each behind a norm and beside the identity.

    [batch, time, width] to the same shape (Xiong et al., 2020).
    """

    def __init__(
        self,
        width: int,
        heads: int,
        expansion: int = 4,
        causal: bool = False,
        dropout: float = 0.0,
        activation: type[nn.Module] = nn.GELU,
    ) -> None:
        super().__init__()
        self.attention = nn.Sequential(
            nn.LayerNorm(width), Attention(width, heads, causal), nn.Dropout(dropout)
        )
        self.perceptron = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, width * expansion),
            activation(),
            nn.Linear(width * expansion, width),
            nn.Dropout(dropout),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(x)
        out: Tensor = x + self.perceptron(x)
        return out


class LearnedPositions(nn.Module):
    """Adds a trained vector to each step. [batch, steps, width] to the same shape."""

    def __init__(self, steps: int, width: int) -> None:
        super().__init__()
        self.positions = nn.Parameter(torch.randn(steps, width) * 0.1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.positions


class SinusoidalPositions(nn.Module):
    """Adds sines and cosines of each step (Vaswani et al., 2017); the width is even.

    [batch, steps, width] to the same shape.
    """

    positions: Tensor

    def __init__(self, steps: int, width: int) -> None:
        super().__init__()
        index = torch.arange(width // 2)
        rates = torch.exp(index * (-2 * math.log(10000.0) / width))
        angles = torch.arange(steps).unsqueeze(1) * rates
        positions = torch.cat((torch.sin(angles), torch.cos(angles)), 1)
        self.register_buffer("positions", positions)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.positions


class TemporalBlock(nn.Module):
    """Two causal dilated convolutions beside the identity, or a projection.

    [batch, time, inputs] to [batch, time, outputs] (Bai et al., 2018).
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 3,
        dilation: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.past = (kernel - 1) * dilation
        self.first = nn.Conv1d(inputs, outputs, kernel, dilation=dilation)
        self.second = nn.Conv1d(outputs, outputs, kernel, dilation=dilation)
        self.dropout = nn.Dropout(dropout)
        same = inputs == outputs
        self.shortcut = nn.Identity() if same else nn.Linear(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        out = x.transpose(1, 2)
        for convolution in (self.first, self.second):
            padded = nn.functional.pad(out, (self.past, 0))
            out = self.dropout(torch.relu(convolution(padded)))
        return torch.relu(self.shortcut(x) + out.transpose(1, 2))


class Highway(nn.Module):
    """Lets a trained gate choose between the input and a layer of it.

    [..., width] to the same shape (Srivastava et al., 2015). The gate starts at
    sigmoid(-2): mostly the input.
    """

    def __init__(self, width: int, activation: type[nn.Module] = nn.ReLU) -> None:
        super().__init__()
        self.layer = nn.Sequential(nn.Linear(width, width), activation())
        self.gate = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        open_ = torch.sigmoid(self.gate(x) - 2)
        out: Tensor = x + open_ * (self.layer(x) - x)
        return out


class ResidualMLP(nn.Module):
    """A two-layer perceptron behind a norm and beside the identity.

    [..., width] to the same shape.
    """

    def __init__(
        self, width: int, expansion: int = 2, activation: type[nn.Module] = nn.GELU
    ) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, expansion * width),
            activation(),
            nn.Linear(expansion * width, width),
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.branch(x)
        return out


class MixtureOfExperts(nn.Module):
    """A softmax over the `active` best perceptrons of `experts` weighs their outputs.

    [..., width] to the same shape (Shazeer et al., 2017). All experts are computed, so
    that shapes do not depend on the data.
    """

    def __init__(self, width: int, hidden: int, experts: int, active: int) -> None:
        super().__init__()
        self.active = active
        self.router = nn.Linear(width, experts)
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, width))
            for _ in range(experts)
        )

    def forward(self, x: Tensor) -> Tensor:
        scores = self.router(x)
        least = scores.topk(self.active, dim=-1)[0][..., -1:]
        weights = scores.masked_fill(scores < least, float("-inf")).softmax(-1)
        outputs = torch.stack([expert(x) for expert in self.experts], -2)
        mixed: Tensor = (weights.unsqueeze(-1) * outputs).sum(-2)
        return mixed


class GaussianSample(nn.Module):
    """A draw from a normal distribution that is computed; its mean in eval mode.

    [..., inputs] to [..., outputs], by reparametrisation (Kingma & Welling, 2014).
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.parameters_of = nn.Linear(inputs, 2 * outputs)

    def forward(self, x: Tensor) -> Tensor:
        mean, log_variance = self.parameters_of(x).chunk(2, -1)
        spread = torch.exp(0.5 * log_variance) if self.training else 0 * log_variance
        sample: Tensor = mean + spread * torch.randn_like(mean)
        return sample


class StochasticDepth(nn.Module):
    """In training, drops whole examples with probability `p`, scales up the others."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        kept = torch.rand(x.shape[0], *[1] * (x.dim() - 1), device=x.device) >= self.p
        return x * kept / (1 - self.p)
