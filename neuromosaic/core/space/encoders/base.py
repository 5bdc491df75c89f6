"""What every encoder does, and the check that every vector passes."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from neuromosaic.core.errors import SpaceError

Vector = npt.NDArray[np.float64]


class BaseEncoder(ABC):
    """Maps architectures to vectors in [0, 1]^d, always of one length d, and any such vector back to one."""

    @abstractmethod
    def encode(self, architecture: Any) -> Vector:
        """float64 [d], each value in [0, 1]."""

    @abstractmethod
    def decode(self, vector: Vector) -> Any:
        """A valid architecture; of `encode(a)`, it is `a`."""

    def encode_many(self, architectures: Sequence[Any]) -> Vector:
        """float64 [n, d]; one by one, where an encoder knows nothing quicker."""
        return np.stack([np.asarray(self.encode(one), dtype=np.float64) for one in architectures])

    def decode_many(self, vectors: Vector) -> list[Any]:
        """The architectures of the rows of [n, d]."""
        return [self.decode(row) for row in vectors]


def checked(vector: Any, length: int, many: bool = False) -> Vector:
    """The vector (or rows of them) as float64, clipped to [0, 1].

    Raises SpaceError for the wrong shape, for what are no numbers, and for NaN, naming the place.
    """
    try:
        values = np.asarray(vector, dtype=np.float64)
    except (TypeError, ValueError):
        raise SpaceError(f"vector: give {length} numbers, not {type(vector).__name__}") from None
    if values.ndim != 1 + many or values.shape[-1] != length:
        wanted = f"[n, {length}]" if many else f"[{length}]"
        raise SpaceError(f"vector: its shape is {list(values.shape)}, where {wanted} is needed")
    if np.isnan(values).any():
        place = ", ".join(map(str, np.argwhere(np.isnan(values))[0]))
        raise SpaceError(f"vector[{place}] is NaN")
    return np.clip(values, 0.0, 1.0)
