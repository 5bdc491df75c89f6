"""Where data come from: one file per kind of source."""

import os
import re
from collections.abc import Callable
from pathlib import Path

from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data.raw import Raw, RawText
from neuromosaic.core.evaluation.data.sources.arrays import is_array_folder, read_array_folder, read_npz
from neuromosaic.core.evaluation.data.sources.builtin import BUILTIN, read_builtin
from neuromosaic.core.evaluation.data.sources.fitting import check_fits
from neuromosaic.core.evaluation.data.sources.idx import is_idx_folder, read_idx_folder
from neuromosaic.core.evaluation.data.sources.images import is_image_folder, read_image_folder
from neuromosaic.core.evaluation.data.sources.selection import Selection
from neuromosaic.core.evaluation.data.sources.tables import read_table
from neuromosaic.core.evaluation.data.sources.text import read_text
from neuromosaic.core.evaluation.data.sources.user_code import call_user_code
from neuromosaic.core.evaluation.data.spelling import did_you_mean, listed

__all__ = ["BUILTIN", "Selection", "read"]

Reader = Callable[[Path, Selection], Raw | RawText]

_FILES: dict[str, Reader] = {
    ".npz": read_npz,
    ".csv": read_table,
    ".tsv": read_table,
    ".parquet": read_table,
    ".txt": read_text,
}
_FOLDERS: tuple[tuple[Callable[[Path], bool], Reader], ...] = (
    (is_idx_folder, read_idx_folder),
    (is_array_folder, read_array_folder),
    (is_image_folder, read_image_folder),
)
_FROM_DISK: tuple[Reader, ...] = (read_npz, read_array_folder, read_image_folder)
"""Of these, what memory does not hold stays on the disk."""
_FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def read(reference: str, selection: Selection) -> Raw | RawText:
    """The data that `reference` names: a built-in set, a file, a folder, or `module:function`.

    A built-in name wins over a file of that name: write ./digits for the latter.
    Raises DataError where there is no such thing, or where it cannot be read.
    """
    if reference in BUILTIN:
        return read_builtin(reference, selection)
    try:
        return _read_path(reference, selection)
    except OSError as error:
        raise DataError(f"{reference!r} cannot be read: {error.strerror or error}") from None
    except MemoryError:
        raise DataError(f"memory ran out while {reference!r} was read: give a part of these data") from None


def _read_path(reference: str, selection: Selection) -> Raw | RawText:
    path = Path(os.path.expanduser(reference))
    if path.exists():
        reader = _folder_reader(path) if path.is_dir() else _file_reader(path)
        if reader not in _FROM_DISK:
            check_fits(path)
        return reader(path, selection)
    if _FUNCTION.fullmatch(reference):
        return call_user_code(reference, selection)
    raise DataError(
        f"there are no data at {reference!r}{did_you_mean(reference, BUILTIN)}: name a file, a folder, "
        f"module:function, or one of {listed(BUILTIN)}"
    )


def _folder_reader(path: Path) -> Reader:
    for fits, reader in _FOLDERS:
        if fits(path):
            return reader
    raise DataError(
        f"the folder {path} holds no data that are known: idx files (train-images-idx3-ubyte.gz), "
        "arrays (x_train.npz), or images in folders named after their classes"
    )


def _file_reader(path: Path) -> Reader:
    extension = path.suffix.lower()
    if extension not in _FILES:
        hint = "; put x.npy and y.npy into one folder" if extension == ".npy" else ""
        raise DataError(f"{path} has the extension {extension!r}: give one of {', '.join(_FILES)}, or a folder{hint}")
    return _FILES[extension]
