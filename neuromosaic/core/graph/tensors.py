"""Tensors in and out of `TensorData`, for PyTorch and for NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neuromosaic.core.graph.document import ITEM_SIZES, TensorData

if TYPE_CHECKING:
    import numpy as np
    import torch


def to_torch(tensor: TensorData) -> torch.Tensor:
    """A fresh, writable tensor on the CPU."""
    import numpy as np
    import torch

    result = torch.zeros(tensor.shape, dtype=getattr(torch, tensor.dtype))
    if tensor.data:
        _bytes_of(result)[:] = np.frombuffer(tensor.data, dtype=np.uint8)
    return result


def from_torch(tensor: torch.Tensor) -> TensorData:
    """Copies the values, from any device and any memory layout.

    Raises ValueError for a dtype that `TensorData` does not know, and for tensors without values (meta, sparse).
    """
    import torch

    dtype = str(tensor.dtype).removeprefix("torch.")
    if dtype not in ITEM_SIZES:
        raise ValueError(f"a tensor of dtype {dtype} cannot be stored; use one of {', '.join(ITEM_SIZES)}")
    if tensor.is_meta or tensor.layout is not torch.strided:
        raise ValueError(f"a {'meta' if tensor.is_meta else 'sparse'} tensor cannot be stored; make it a dense one")
    plain = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous()
    return TensorData(dtype, tuple(plain.shape), _bytes_of(plain).tobytes() if plain.numel() else b"")


def to_numpy(tensor: TensorData) -> np.ndarray[Any, Any]:
    """A fresh, writable array. Raises ValueError for bfloat16, which NumPy does not have."""
    import numpy as np

    if tensor.dtype == "bfloat16":
        raise ValueError("NumPy has no bfloat16; convert the tensor to float32 first")
    return np.frombuffer(tensor.data, dtype=np.dtype(tensor.dtype)).reshape(tensor.shape).copy()


def from_numpy(array: np.ndarray[Any, Any]) -> TensorData:
    """Copies the values, from any strides and byte order. Raises ValueError for an unknown dtype."""
    native = array.astype(array.dtype.newbyteorder("="), copy=False)
    if native.dtype.name not in ITEM_SIZES:
        raise ValueError(
            f"an array of dtype {native.dtype.name} cannot be stored; use one of {', '.join(ITEM_SIZES)}"
        )
    return TensorData(native.dtype.name, tuple(native.shape), native.tobytes(order="C"))


def _bytes_of(tensor: torch.Tensor) -> np.ndarray[Any, Any]:
    import torch

    return tensor.reshape(-1).view(torch.uint8).numpy()
