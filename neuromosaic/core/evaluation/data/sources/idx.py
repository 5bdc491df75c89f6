"""Folders with pairs of idx files, as MNIST comes: `train-images-idx3-ubyte.gz` and the like."""

import gzip
import re
import struct
import zlib
from math import prod
from pathlib import Path

import numpy as np

from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data.raw import Array, Part, PartName, Raw
from neuromosaic.core.evaluation.data.sources.selection import Selection
from neuromosaic.core.evaluation.data.spelling import listed

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_NAME = re.compile(r"^(?P<stem>.*?)(?P<what>images|labels)[-._]idx\d(-\w+)?(\.gz)?$", re.IGNORECASE)
_PARTS: dict[str, PartName] = {"t10k": "test", "test": "test", "val": "validation", "train": "train"}


def is_idx_folder(path: Path) -> bool:
    return any(_NAME.match(file.name) for file in path.iterdir())


def read_idx_folder(path: Path, selection: Selection) -> Raw:
    """One pair of images and labels per split; `t10k` or `test` in the name is test, `val` validation.

    Raises DataError for a missing, doubled or damaged half of a pair.
    """
    files = _paired(path)
    parts: dict[PartName, Part] = {}
    for part in ("train", "validation", "test"):
        if part in files:
            parts[part] = _read_pair(files[part], path, selection)
    if "train" not in parts and selection.labelled:
        raise DataError(
            f"{path} has no pair of idx files for training: name them train-images-idx3-ubyte.gz and so on"
        )
    return Raw(path.name, parts, notes=selection.refuse_columns(path.name))


def _paired(path: Path) -> dict[str, dict[str, Path]]:
    files: dict[str, dict[str, Path]] = {}
    for file in sorted(path.iterdir()):
        match = _NAME.match(file.name)
        if not match:
            continue
        stem, what = match["stem"].lower(), match["what"].lower()
        part = next((part for word, part in _PARTS.items() if word in stem), "train")
        if what in files.setdefault(part, {}):
            names = listed([files[part][what].name, file.name])
            raise DataError(f"{path} has two files of {part} {what} ({names}): keep one pair per split in the folder")
        files[part][what] = file
    return files


def _read_pair(files: dict[str, Path], path: Path, selection: Selection) -> Part:
    missing = {"images", "labels"} - set(files)
    if "images" in missing or (missing and selection.labelled):
        present = next(iter(files.values())).name
        raise DataError(f"{path} has {present} but not the {missing.pop()} that belong to it: add them")
    x = read_idx(files["images"])
    y = read_idx(files["labels"]) if "labels" in files else None
    if y is not None and len(x) != len(y):
        raise DataError(f"{files['images']} has {len(x)} images and its labels are {len(y)}: they must match")
    return Part(x, y)


def read_idx(path: Path) -> Array:
    """The array of one idx file, gzipped or not. Raises DataError where it is damaged."""
    content = _bytes(path)
    header = struct.unpack(">HBB", content[:4]) if len(content) >= 4 else (1, 0, 0)
    zero, code, axes = header
    start = 4 + 4 * axes
    if zero or code not in _TYPES or not axes or len(content) < start:
        raise DataError(f"{path} is no idx file: its header is wrong; download it again")
    shape = struct.unpack(f">{axes}I", content[4:start])
    dtype = np.dtype(_TYPES[code])
    if len(content) != start + prod(shape) * dtype.itemsize:
        raise DataError(f"{path} is cut short or too long for its {shape[0]} entries: download it again")
    array = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return array.astype(dtype.newbyteorder("="), copy=False)


def _bytes(path: Path) -> bytes:
    try:
        return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be unpacked: {error}; download it again") from None
