"""A tensor that is nothing but its shape, and the sum of the arithmetic that led to it."""

import math
from collections.abc import Sequence
from typing import Any

from neuromosaic.core.errors import ArchitectureError

Shape = tuple[int, ...]


class Tally:
    """FLOPs so far; a multiply-add counts as 2."""

    __slots__ = ("flops",)

    def __init__(self) -> None:
        self.flops = 0


class Tensor:
    """`shape` with the batch axis; every operation on it adds to `tally`."""

    __slots__ = ("shape", "tally")
    device = None

    def __init__(self, shape: Shape, tally: Tally) -> None:
        if min(shape, default=1) < 1:
            raise ArchitectureError(f"nothing is left of the input: its shape became {list(shape)}")
        self.shape, self.tally = shape, tally

    def like(self, *shape: int) -> "Tensor":
        """Another of this shape, in the same sum."""
        return Tensor(shape, self.tally)

    # ------------------------------------------------ arithmetic

    def _broadcast(self, other: Any) -> "Tensor":
        return self.like(*broadcast(self.shape, other.shape)) if isinstance(other, Tensor) else self

    def _times(self, other: Any) -> "Tensor":
        product = self._broadcast(other)
        if isinstance(other, Tensor):
            size = math.prod(product.shape)
            spelt_out = size > max(math.prod(self.shape), math.prod(other.shape))
            self.tally.flops += 2 * size if spelt_out else 0
        return product

    __add__ = __radd__ = __sub__ = __rsub__ = __truediv__ = __rtruediv__ = _broadcast
    __ge__ = __gt__ = __le__ = __lt__ = _broadcast
    __mul__ = __rmul__ = _times

    def __pow__(self, exponent: float) -> "Tensor":
        return self

    __neg__ = __invert__ = lambda self: self

    def __matmul__(self, other: "Tensor") -> "Tensor":
        *_, inner, columns = other.shape
        if self.shape[-1] != inner:
            raise ArchitectureError(f"a product of {list(self.shape)} and {list(other.shape)} has no meaning")
        lead = broadcast(self.shape[:-2], other.shape[:-2])
        self.tally.flops += 2 * math.prod(lead) * self.shape[-2] * inner * columns
        return self.like(*lead, self.shape[-2], columns)

    # ------------------------------------------------ element by element

    def same(self, *_: Any, **__: Any) -> "Tensor":
        return self

    relu = sigmoid = tanh = exp = sqrt = rsqrt = square = log = abs = softmax = clamp = masked_fill = same
    float = contiguous = div = detach = to = log_softmax = square_ = cumsum = same

    # ------------------------------------------------ form

    def dim(self) -> int:
        return len(self.shape)

    def size(self, axis: int) -> int:
        return self.shape[axis]

    def view(self, *shape: int) -> "Tensor":
        known = math.prod(size for size in shape if size != -1)
        total = math.prod(self.shape)
        if total % known or (-1 not in shape and total != known):
            raise ArchitectureError(f"{list(self.shape)} cannot be seen as {list(shape)}")
        return self.like(*(total // known if size == -1 else size for size in shape))

    reshape = view

    def expand(self, *shape: int) -> "Tensor":
        padded = (1,) * (len(shape) - len(self.shape)) + self.shape
        return self.like(*(old if new == -1 else new for old, new in zip(padded, shape, strict=True)))

    def permute(self, *axes: int) -> "Tensor":
        return self.like(*(self.shape[axis] for axis in axes))

    def transpose(self, one: int, other: int) -> "Tensor":
        shape = list(self.shape)
        shape[one], shape[other] = shape[other], shape[one]
        return self.like(*shape)

    @property
    def mT(self) -> "Tensor":  # noqa: N802  (PyTorch's name)
        return self.transpose(-1, -2)

    def flatten(self, start: int = 0, end: int = -1) -> "Tensor":
        end = end % len(self.shape)
        return self.like(*self.shape[:start], math.prod(self.shape[start : end + 1]), *self.shape[end + 1 :])

    def unflatten(self, axis: int, sizes: Sequence[int]) -> "Tensor":
        axis %= len(self.shape)
        part = self.like(self.shape[axis]).view(*sizes).shape
        return self.like(*self.shape[:axis], *part, *self.shape[axis + 1 :])

    def unsqueeze(self, axis: int) -> "Tensor":
        axis %= len(self.shape) + 1
        return self.like(*self.shape[:axis], 1, *self.shape[axis:])

    def squeeze(self, axis: int) -> "Tensor":
        axis %= len(self.shape)
        return self.like(*self.shape[:axis], *self.shape[axis + 1 :]) if self.shape[axis] == 1 else self

    def unbind(self, axis: int = 0) -> tuple["Tensor", ...]:
        axis %= len(self.shape)
        part = self.like(*self.shape[:axis], *self.shape[axis + 1 :])
        return (part,) * self.shape[axis]

    def chunk(self, parts: int, axis: int = 0) -> tuple["Tensor", ...]:
        shape = list(self.shape)
        shape[axis] //= parts
        return (self.like(*shape),) * parts

    def mean(self, axis: int | Sequence[int], keepdim: bool = False) -> "Tensor":
        axes = {a % len(self.shape) for a in ((axis,) if isinstance(axis, int) else axis)}
        kept = [1 if a in axes else size for a, size in enumerate(self.shape) if keepdim or a not in axes]
        return self.like(*kept)

    sum = amax = amin = mean

    def topk(self, count: int, dim: int = -1) -> "tuple[Tensor, Tensor]":
        shape = list(self.shape)
        shape[dim] = count
        return self.like(*shape), self.like(*shape)

    def __getitem__(self, index: Any) -> "Tensor":
        return self.like(*_indexed(self.shape, index if isinstance(index, tuple) else (index,)))


def _indexed(shape: Shape, index: tuple[Any, ...]) -> list[int]:
    """Slices, whole numbers, None and one ellipsis."""
    if Ellipsis in index:
        at = index.index(Ellipsis)
        rest = len(shape) - sum(part is not None for part in index) + 1
        index = (*index[:at], *(slice(None),) * rest, *index[at + 1 :])
    sizes = iter(shape)
    found: list[int] = []
    for part in index:
        if part is None:
            found.append(1)
        elif isinstance(part, slice):
            found.append(len(range(*part.indices(next(sizes)))))
        else:
            next(sizes)
    return [*found, *sizes]


def broadcast(one: Shape, other: Shape) -> Shape:
    """The shape of both together. Raises ArchitectureError where they do not fit."""
    if one == other:
        return one
    length = max(len(one), len(other))
    pairs = zip((1,) * (length - len(one)) + one, (1,) * (length - len(other)) + other, strict=True)
    sizes = [(a if b == 1 else b, a == b or 1 in (a, b)) for a, b in pairs]
    if not all(fits for _, fits in sizes):
        raise ArchitectureError(f"{list(one)} and {list(other)} do not fit together")
    return tuple(size for size, _ in sizes)
