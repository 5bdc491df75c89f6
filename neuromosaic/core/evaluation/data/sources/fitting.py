"""Tables, texts and idx files are held in memory: what cannot be is refused before it is read."""

from pathlib import Path

from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.hardware import memory

GB = 1e9


def check_fits(path: Path, known: int | None = None) -> None:
    """Raises DataError where the files at `path` hold more bytes than this machine's memory (`known`, if given)."""
    size, there = _bytes(path), memory("cpu") if known is None else known
    if size > there:
        raise DataError(
            f"{path} holds {size / GB:.3g} GB, and this machine has {there / GB:.3g} GB of memory, in which data of "
            "this kind are held: give them as a folder with x.npy and y.npy, which is read from the disk, or a part "
            "of them"
        )


def _bytes(path: Path) -> int:
    if path.is_dir():
        return sum(_bytes(file) for file in path.rglob("*") if file.is_file())
    return path.stat().st_size
