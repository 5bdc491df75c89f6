"""The shadows of torch.nn's modules: what each makes of a shape, its parameters and its arithmetic."""

import math
from collections.abc import Iterator
from typing import Any

from neuromosaic.core.architecture.shadow.tensor import Shape, Tensor
from neuromosaic.core.errors import ArchitectureError


class Parameter:
    """A tensor that is trained. Acts as a tensor of its shape beside any other."""

    def __init__(self, data: Tensor) -> None:
        self.data = data
        self.shape = data.shape

    def __getattr__(self, name: str) -> Any:
        return getattr(self.data, name)

    def __getitem__(self, index: Any) -> Tensor:
        return self.data[index]


class Module:
    """Its attributes are its parts, as in PyTorch."""

    def __init__(self) -> None:
        pass

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        return self.forward(*inputs, **named)

    def forward(self, x: Tensor) -> Any:
        return x

    def register_buffer(self, name: str, tensor: Tensor) -> None:
        setattr(self, name, tensor)

    def apply(self, _: Any) -> "Module":
        return self

    @property
    def training(self) -> bool:
        return False

    def parameter_count(self) -> int:
        return sum({id(owner): size for owner, size in self.own_parameters()}.values())

    def own_parameters(self) -> Iterator[tuple[Any, int]]:
        """Each with its size; one that stands in several places comes several times."""
        for value in vars(self).values():
            if isinstance(value, Parameter):
                yield value, math.prod(value.shape)
            elif isinstance(value, Module):
                yield from value.own_parameters()


class Weighted(Module):
    """A module whose parameters are known by number alone."""

    weights: int

    def own_parameters(self) -> Iterator[tuple[Any, int]]:
        yield self, self.weights


class Sequential(Module):
    def __init__(self, *parts: Module) -> None:
        self.parts = parts

    def forward(self, x: Tensor) -> Any:
        for part in self.parts:
            x = part(x)
        return x

    def own_parameters(self) -> Iterator[tuple[Any, int]]:
        for part in self.parts:
            yield from part.own_parameters()

    def __iter__(self) -> Iterator[Module]:
        return iter(self.parts)

    def __getitem__(self, index: int) -> Module:
        return self.parts[index]


class ModuleList(Sequential):
    def __init__(self, parts: Any = ()) -> None:
        super().__init__(*parts)


class Identity(Module):
    def __init__(self, *_: Any, **__: Any) -> None:
        """Activations and dropout take arguments that change no shape."""


class Linear(Weighted):
    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        self.inputs, self.outputs = in_features, out_features
        self.weights = in_features * out_features + out_features * bias

    def forward(self, x: Tensor) -> Tensor:
        _fits(x.shape[-1], self.inputs, "features")
        x.tally.flops += 2 * math.prod(x.shape) * self.outputs
        return x.like(*x.shape[:-1], self.outputs)


class Conv2d(Weighted):
    axes = 2

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1, padding: int = 0,
        dilation: int = 1, groups: int = 1, bias: bool = True,
    ) -> None:  # fmt: skip
        for name, channels in (("input", in_channels), ("output", out_channels)):
            if channels % groups:
                raise ArchitectureError(f"{channels} {name} channels cannot be split into {groups} groups")
        self.inputs, self.outputs, self.stride, self.padding = in_channels, out_channels, stride, padding
        self.reach = dilation * (kernel_size - 1) + 1
        self.filter = in_channels // groups * kernel_size**self.axes
        self.weights = self.filter * out_channels + out_channels * bias

    def forward(self, x: Tensor) -> Tensor:
        _fits(x.shape[1], self.inputs, "channels")
        sides = [(side + 2 * self.padding - self.reach) // self.stride + 1 for side in x.shape[2:]]
        found = x.like(x.shape[0], self.outputs, *sides)
        x.tally.flops += 2 * math.prod(found.shape) * self.filter
        return found


class Conv1d(Conv2d):
    axes = 1


class ConvTranspose2d(Weighted):
    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, stride: int = 1, padding: int = 0,
        output_padding: int = 0, bias: bool = True,
    ) -> None:  # fmt: skip
        self.inputs, self.outputs, self.stride = in_channels, out_channels, stride
        self.more = kernel_size - 2 * padding + output_padding
        self.filter = out_channels * kernel_size**2
        self.weights = in_channels * self.filter + out_channels * bias

    def forward(self, x: Tensor) -> Tensor:
        _fits(x.shape[1], self.inputs, "channels")
        x.tally.flops += 2 * math.prod(x.shape) * self.filter
        return x.like(x.shape[0], self.outputs, *((side - 1) * self.stride + self.more for side in x.shape[2:]))


class Norm(Weighted):
    """Batch norm: a scale and a shift for each channel."""

    def __init__(self, channels: int) -> None:
        self.channels, self.weights = channels, 2 * channels

    def forward(self, x: Tensor) -> Tensor:
        _fits(x.shape[1], self.channels, "channels")
        return x


class LayerNorm(Norm):
    def forward(self, x: Tensor) -> Tensor:
        _fits(x.shape[-1], self.channels, "features")
        return x


class RMSNorm(LayerNorm):
    def __init__(self, channels: int) -> None:
        self.channels = self.weights = channels


class GroupNorm(Norm):
    def __init__(self, num_groups: int, num_channels: int) -> None:
        if num_channels % num_groups:
            raise ArchitectureError(f"{num_channels} channels cannot be split into {num_groups} groups")
        super().__init__(num_channels)


class Embedding(Weighted):
    def __init__(self, num_embeddings: int, embedding_dim: int) -> None:
        self.width, self.weights = embedding_dim, num_embeddings * embedding_dim

    def forward(self, x: Tensor) -> Tensor:
        return x.like(*x.shape, self.width)


class GRU(Weighted):
    gates = 3

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, batch_first: bool = False,
        bidirectional: bool = False,
    ) -> None:  # fmt: skip
        self.inputs, ways = input_size, 1 + bidirectional
        self.outputs = ways * hidden_size
        widths = [input_size] + [self.outputs] * (num_layers - 1)
        self.matrices = sum(ways * self.gates * hidden_size * (width + hidden_size) for width in widths)
        self.weights = self.matrices + num_layers * ways * self.gates * hidden_size * 2

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        _fits(x.shape[-1], self.inputs, "features")
        batch, steps, _ = x.shape
        x.tally.flops += 2 * batch * steps * self.matrices
        return x.like(batch, steps, self.outputs), None


class LSTM(GRU):
    gates = 4


class Pool2d(Module):
    def __init__(
        self, kernel_size: int, stride: int | None = None, padding: int = 0, count_include_pad: bool = True
    ) -> None:
        self.kernel, self.stride, self.padding = kernel_size, stride or kernel_size, padding

    def forward(self, x: Tensor) -> Tensor:
        sides = [(side + 2 * self.padding - self.kernel) // self.stride + 1 for side in x.shape[2:]]
        return x.like(*x.shape[:2], *sides)


class AdaptivePool2d(Module):
    def __init__(self, output_size: int | Shape) -> None:
        self.sides = output_size

    def forward(self, x: Tensor) -> Tensor:
        sides = (self.sides,) * 2 if isinstance(self.sides, int) else self.sides
        return x.like(*x.shape[:2], *sides)


class AdaptivePool1d(Module):
    def __init__(self, output_size: int) -> None:
        self.steps = output_size

    def forward(self, x: Tensor) -> Tensor:
        return x.like(*x.shape[:2], self.steps)


class Flatten(Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1)


class Upsample(Module):
    def __init__(self, scale_factor: int, mode: str = "nearest") -> None:
        self.factor = scale_factor

    def forward(self, x: Tensor) -> Tensor:
        return x.like(*x.shape[:2], *(side * self.factor for side in x.shape[2:]))


def spectral_norm(module: Linear | Conv2d) -> Module:
    """In front of each pass, a product of the weight matrix with a vector."""
    return SpectralNorm(module)


class SpectralNorm(Module):
    def __init__(self, module: Linear | Conv2d) -> None:
        self.module = module
        inner = module.filter if isinstance(module, Conv2d) else module.inputs
        self.matrix = inner * module.outputs

    def forward(self, x: Tensor) -> Any:
        x.tally.flops += 2 * self.matrix
        return self.module(x)


def _fits(found: int, wanted: int, what: str) -> None:
    if found != wanted:
        raise ArchitectureError(f"{found} {what} came where {wanted} are expected")
