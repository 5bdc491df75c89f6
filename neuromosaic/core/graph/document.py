"""A network as JSON and raw bytes: what crosses from the sandbox to the judge."""

import math
from dataclasses import dataclass, field
from typing import Any

ITEM_SIZES = {
    "float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "complex64": 8,
    "int64": 8, "int32": 4, "int16": 2, "int8": 1, "uint8": 1, "bool": 1,
}  # fmt: skip


@dataclass(frozen=True)
class TensorData:
    """A tensor without PyTorch: row-major raw bytes in the machine's byte order.

    Raises ValueError where shape, dtype and number of bytes do not agree.
    """

    dtype: str
    shape: tuple[int, ...]
    data: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if self.dtype not in ITEM_SIZES:
            raise ValueError(f"unknown dtype {self.dtype!r}")
        if any(not isinstance(size, int) or size < 0 for size in self.shape):
            raise ValueError(f"not a shape: {self.shape!r}")
        expected = math.prod(self.shape) * ITEM_SIZES[self.dtype]
        if len(self.data) != expected:
            raise ValueError(f"{len(self.data)} bytes for {self.dtype}{list(self.shape)}, which has {expected}")


@dataclass(frozen=True)
class FileData:
    """A tensor that lies in a file, row-major from its beginning, in the machine's byte order.

    `descriptor` is open for reading in the process that holds this. Raises ValueError for an unknown dtype or shape.
    """

    dtype: str
    shape: tuple[int, ...]
    descriptor: int

    def __post_init__(self) -> None:
        if self.dtype not in ITEM_SIZES or any(type(size) is not int or size < 0 for size in self.shape):
            raise ValueError(f"no tensor of a file: {self.dtype!r}{self.shape!r}")


@dataclass(frozen=True)
class Graph:
    """What `torch.export` made of a module, in train and eval mode, with a free batch axis.

    `document` is JSON: {"inputs", "parameters" and "buffers" and "constants" (names in `tensors`), "train" and
    "eval" (lists of nodes, and the structure of the outputs)}, and of a generative network those of "encode",
    "decode", "denoise" and "conditionals" that its kind has, in eval mode; export.py writes it, rebuild.py reads it.
    `tensors` holds initial (or trained) parameters and buffers by their names in the module's state_dict, and
    constants.
    """

    document: dict[str, Any]
    tensors: dict[str, TensorData] = field(repr=False)
