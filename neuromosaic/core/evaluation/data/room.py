"""Room for arrays: in memory, or for those that are too large in a file of their own that NumPy maps."""

import os
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.hardware import memory

Array = NDArray[Any]

VARIABLE: Final = "NEUROMOSAIC_DATA_IN_MEMORY_MB"
"""The environment variable that says how large an array in memory may be, in MB (10^6 bytes)."""
MOST: Final = 10**9
"""Bytes: a worker takes some three times as much to train on them."""
SHARE: Final = 16
"""One array may take one part in so many of the machine's memory: copies of it are made on the way."""
SCRATCH: Final = Path("/var/tmp")  # noqa: S108  (nothing there has a name)
"""For large temporary files by the Filesystem Hierarchy Standard; /tmp is often memory."""
NUMBERS_AT_ONCE: Final = 4_000_000


class OnDisk(np.memmap[Any, Any]):
    """A whole array in a `file` without a name, row-major from its beginning; gone with the last reference to it.
    `file` is open for reading alone, so that it can be handed to a worker.

    Views and results of arithmetic have no file.
    """

    file: IO[bytes] | None = None

    def __array_finalize__(self, obj: Any) -> None:
        super().__array_finalize__(obj)
        self.file = None


def most_in_memory() -> int:
    """Bytes that one array may have in memory: what the environment says, else 1 GB, or less on small machines.

    Raises DataError where the environment says no number.
    """
    said = os.environ.get(VARIABLE, "").strip()
    if not said:
        return min(MOST, memory("cpu") // SHARE)
    try:
        return int(float(said) * 10**6)
    except (ValueError, OverflowError):
        raise DataError(f"{VARIABLE} is {said!r}: give megabytes, such as 500") from None


def room(shape: tuple[int, ...], dtype: Any) -> Array:
    """An array to be filled. Raises DataError where the disk has no room for what memory does not hold."""
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    return np.empty(shape, dtype) if size <= most_in_memory() else _on_disk(shape, dtype, size)


def taken(x: Array, rows: Array) -> Array:
    """`x[rows]`, in memory or on the disk."""
    out = room((len(rows), *x.shape[1:]), x.dtype)
    if not isinstance(out, OnDisk):
        return np.asarray(x[rows])
    for block in blocks(out):
        out[block] = x[rows[block]]
    return out


def converted(x: Array, dtype: Any) -> Array:
    """`x.astype(dtype)`, in memory or on the disk."""
    out = room(x.shape, dtype)
    for block in blocks(x):
        out[block] = x[block]
    return out


def blocks(x: Array) -> Iterator[slice]:
    """Slices of rows small enough that a float64 copy of one costs some 32 MB."""
    rows = max(1, NUMBERS_AT_ONCE // max(1, x[:1].size))
    for start in range(0, len(x), rows):
        yield slice(start, start + rows)


def _on_disk(shape: tuple[int, ...], dtype: Any, size: int) -> OnDisk:
    folder = _scratch()
    file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  (it lives as long as the array)
    try:
        _reserve(file.fileno(), size)
    except OSError as error:
        file.close()
        raise DataError(
            f"{size / 1e9:.3g} GB of data fit neither into memory nor into {folder} ({error.strerror}): set TMPDIR "
            "to a folder on a disk with more room, or give a part of these data"
        ) from None
    array = OnDisk(file, np.dtype(dtype), "r+", shape=shape)
    array.file = _for_reading(file)
    weakref.finalize(array, array.file.close)
    return array


def _for_reading(file: IO[bytes]) -> IO[bytes]:
    """The same file without the right to write, where the system opens a descriptor again; else the file itself."""
    try:
        again = Path(f"/proc/self/fd/{file.fileno()}").open("rb", buffering=0)  # noqa: SIM115
    except OSError:
        return file
    file.close()
    return again


def _reserve(descriptor: int, size: int) -> None:
    """A mapped page that the disk has no room for kills the process that writes it: so all is taken beforehand."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
    else:
        os.ftruncate(descriptor, size)


def _scratch() -> Path:
    said = os.environ.get("TMPDIR")
    wanted = Path(said) if said else SCRATCH
    return wanted if os.access(wanted, os.W_OK) else Path(tempfile.gettempdir())
