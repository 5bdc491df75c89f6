"""Where the shadows stand: `torch`, `nn`, `Tensor` and `math`, as blocks and emitted models import them."""

import itertools
import math
from types import SimpleNamespace
from typing import Any

from neuromosaic.core.architecture.shadow import modules
from neuromosaic.core.architecture.shadow.tensor import Tally, Tensor
from neuromosaic.core.errors import ArchitectureError


class Known(SimpleNamespace):
    """Names of a module; one that is missing is told of by its full name."""

    def __getattr__(self, name: str) -> Any:
        raise ArchitectureError(f"{self.path}.{name} is not among what shapes can be inferred for")


def _fresh(*shape: int, device: Any = None) -> Tensor:
    """A tensor that no input led to: nothing is counted for it."""
    return Tensor(shape, Tally())


def _arange(*bounds: int, device: Any = None) -> Tensor:
    return _fresh(len(range(*bounds)))


def _first(x: Tensor, *_: Any, **__: Any) -> Tensor:
    return x


def _cat(parts: "tuple[Tensor, ...] | list[Tensor]", axis: int = 0) -> Tensor:
    first, *rest = parts
    shape = list(first.shape)
    for part in rest:
        fits = len(part.shape) == len(shape) and all(
            a == b for n, (a, b) in enumerate(zip(part.shape, first.shape, strict=True)) if n != axis % len(shape)
        )
        if not fits:
            raise ArchitectureError(f"{list(part.shape)} cannot be joined to {list(first.shape)} along axis {axis}")
        shape[axis] += part.shape[axis]
    return first.like(*shape)


def _stack(parts: "tuple[Tensor, ...] | list[Tensor]", axis: int = 0) -> Tensor:
    return _cat([part.unsqueeze(axis) for part in parts], axis)


def _where(condition: Tensor, one: Any, other: Any) -> Tensor:
    whole = condition
    for part in (one, other):
        whole = whole + part if isinstance(part, Tensor) else whole
    return whole


def _attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Any = None, dropout_p: float = 0.0, is_causal: bool = False
) -> Tensor:
    return query @ key.mT @ value


def _pad(x: Tensor, widths: tuple[int, ...]) -> Tensor:
    shape = list(x.shape)
    for number in range(len(widths) // 2):
        shape[-1 - number] += widths[2 * number] + widths[2 * number + 1]
    return x.like(*shape)


FUNCTIONAL = Known(
    path="nn.functional", relu=_first, gelu=_first, silu=_first, elu=_first, softmax=_first, softplus=_first,
    leaky_relu=_first, dropout=_first, normalize=_first, scaled_dot_product_attention=_attention, pad=_pad,
)  # fmt: skip
_SAME = (
    "Identity", "ReLU", "ReLU6", "GELU", "SiLU", "Tanh", "Sigmoid", "ELU", "SELU", "LeakyReLU", "Hardswish",
    "Hardsigmoid", "Mish", "Softplus", "Dropout", "Dropout2d",
)  # fmt: skip
NN = Known(
    path="nn", functional=FUNCTIONAL,
    utils=Known(
        path="nn.utils", parametrizations=Known(path="parametrizations", spectral_norm=modules.spectral_norm)
    ),
    Module=modules.Module, Parameter=modules.Parameter, Sequential=modules.Sequential,
    ModuleList=modules.ModuleList, Linear=modules.Linear, Conv1d=modules.Conv1d, Conv2d=modules.Conv2d,
    ConvTranspose2d=modules.ConvTranspose2d, BatchNorm1d=modules.Norm, BatchNorm2d=modules.Norm,
    LayerNorm=modules.LayerNorm, RMSNorm=modules.RMSNorm, GroupNorm=modules.GroupNorm, Embedding=modules.Embedding,
    GRU=modules.GRU, LSTM=modules.LSTM, MaxPool2d=modules.Pool2d, AvgPool2d=modules.Pool2d,
    AdaptiveAvgPool2d=modules.AdaptivePool2d, AdaptiveMaxPool2d=modules.AdaptivePool2d,
    AdaptiveAvgPool1d=modules.AdaptivePool1d, Flatten=modules.Flatten, Upsample=modules.Upsample,
    **{name: type(name, (modules.Identity,), {}) for name in _SAME},
)  # fmt: skip
TORCH = Known(
    path="torch", Tensor=Tensor, cat=_cat, stack=_stack, where=_where, randn=_fresh, rand=_fresh, zeros=_fresh,
    ones=_fresh, empty=_fresh, arange=_arange, randn_like=_first, zeros_like=_first, ones_like=_first, relu=_first,
    sigmoid=_first, tanh=_first, exp=_first, softmax=_first, sin=_first, cos=_first, sqrt=_first,
)  # fmt: skip
NAMESPACE: dict[str, Any] = {"torch": TORCH, "nn": NN, "Tensor": Tensor, "math": math, "itertools": itertools}
