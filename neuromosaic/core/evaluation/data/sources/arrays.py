"""Arrays by name: an `.npz`, a folder with one array per file, or what a user's function returns."""

import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import numpy as np

from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data.kinds import numeric
from neuromosaic.core.evaluation.data.labels import tidy_labels
from neuromosaic.core.evaluation.data.raw import Array, Part, PartName, Raw, Table
from neuromosaic.core.evaluation.data.room import most_in_memory, room
from neuromosaic.core.evaluation.data.sources.selection import Selection
from neuromosaic.core.evaluation.data.spelling import did_you_mean, listed, sized

NAMES: dict[str, PartName] = {
    "train": "train", "val": "validation", "valid": "validation", "validation": "validation", "test": "test",
}  # fmt: skip
_BROKEN = (
    OSError, EOFError, KeyError, ValueError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error, struct.error,
)  # fmt: skip
_PIECE = 16 * 2**20  # bytes


def read_npz(path: Path, selection: Selection) -> Raw:
    return of_mapping(arrays_in(path), path.name, selection)


def is_array_folder(path: Path) -> bool:
    return any(file.stem.lower() in ("x", *(f"x_{name}" for name in NAMES)) for file in _array_files(path))


def read_array_folder(path: Path, selection: Selection) -> Raw:
    """Files `x_train.npz`, `y_train.npy`, ..., each with one array."""
    return of_mapping({file.stem: _only_array(file) for file in _array_files(path)}, path.name, selection)


def _array_files(path: Path) -> list[Path]:
    return sorted(file for file in path.iterdir() if file.suffix in (".npz", ".npy"))


def _only_array(path: Path) -> Array:
    arrays = arrays_in(path)
    if len(arrays) != 1:
        raise DataError(f"{path} holds {len(arrays)} arrays ({listed(arrays)}): one array per file is needed here")
    return next(iter(arrays.values()))


def arrays_in(path: Path) -> dict[str, Array]:
    """The arrays of an `.npz`, or the one of an `.npy`. Pickled objects are refused.

    Raises DataError where the file cannot be read.
    """
    try:
        if zipfile.is_zipfile(path):
            return _members(path)
        return {"array": _mapped(path) if path.stat().st_size > most_in_memory() else _loaded(path)}
    except _BROKEN as error:
        if "Object arrays" in str(error):
            raise DataError(
                f"{path} holds pickled Python objects, which are not loaded: save plain numbers"
            ) from None
        raise DataError(
            f"{path} cannot be read as numpy arrays, it is damaged or something else ({type(error).__name__}): "
            "save it again with numpy.savez"
        ) from None


def _loaded(path: Path) -> Array:
    with path.open("rb") as file:  # numpy leaves a damaged file open where it opens it itself
        return np.asarray(np.load(file, allow_pickle=False))


def _mapped(path: Path) -> Array:
    """The array as it lies in the file; nothing is read before it is needed."""
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def _members(path: Path) -> dict[str, Array]:
    with zipfile.ZipFile(path) as archive:
        arrays = [info for info in archive.infolist() if info.filename.endswith(".npy")]
        return {info.filename.removesuffix(".npy"): _member(archive, info) for info in arrays}


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Array:
    """What does not fit into memory is unpacked to the disk."""
    with archive.open(info) as file:
        if info.file_size <= most_in_memory():
            return np.asarray(np.lib.format.read_array(file, allow_pickle=False))
        version = np.lib.format.read_magic(file)
        read_header = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, columns_first, dtype = read_header(file)
        if dtype.hasobject:
            raise ValueError("Object arrays cannot be loaded")
        array = room(shape[::-1] if columns_first else shape, dtype)
        _fill(array, file)
        return array.T if columns_first else array


def _fill(array: Array, file: IO[bytes]) -> None:
    flat = array.reshape(-1).view(np.uint8)
    for start in range(0, len(flat), _PIECE):
        wanted = len(flat[start : start + _PIECE])
        data = file.read(wanted)
        if len(data) != wanted:
            raise EOFError("the array ends too early")
        flat[start : start + wanted] = np.frombuffer(data, np.uint8)


def of_mapping(arrays: Mapping[str, Array], name: str, selection: Selection) -> Raw:
    """Arrays `x`, `y` or `x_train`, `y_train`, `x_val`, ..., or one `series`, or `x`, `adj`, `y` of graphs, names in
    any case, as raw data.

    Raises DataError where none is called so, or where arrays that belong together have different lengths.
    """
    by_name = {key.lower(): array for key, array in arrays.items()}
    if "series" in by_name and "x" not in by_name:
        return _series(by_name["series"], name)
    graphs = "adj" in by_name
    if graphs:
        by_name = {**by_name, "x": _graphs(by_name, name)}
    target = _target(by_name, selection)
    if "x" in by_name:
        parts: dict[PartName, Part] = {"train": _part(by_name, "x", target.lower(), name, selection)}
    else:
        keys = {key: part for key, part in NAMES.items() if f"x_{key}" in by_name}
        parts = {part: _part(by_name, f"x_{key}", f"y_{key}", name, selection) for key, part in keys.items()}
    if not parts or ("train" not in parts and selection.labelled):
        raise DataError(
            f"{name} holds the arrays {listed(arrays) or 'none'}: name them x and y, or x_train, y_train, ..."
        )
    _check_shapes(parts, name)
    columns = (target,) if selection.target and "x" in by_name else ()
    groups, times = (_per_example(by_name, key, parts, name) for key in (selection.group, selection.time))
    return Raw(name, parts, columns=columns, groups=groups, times=times, graphs=graphs)


def _graphs(arrays: Mapping[str, Array], name: str) -> Array:
    """`x` [n, nodes, features] and `adj` [n, nodes, nodes], weights at or above 0, side by side on the last axis."""
    x, adjacency = numeric(arrays.get("x", np.empty(0)), name), numeric(arrays["adj"], f"{name} (adj)")
    if x.ndim != 3 or adjacency.shape != (*x.shape[:2], x.shape[1]):
        raise DataError(
            f"{name} has x {sized(x.shape)} and adj {sized(adjacency.shape)}: give graphs as x [n, nodes, features] "
            "and adj [n, nodes, nodes], smaller ones padded with nodes without edges"
        )
    if not np.isfinite(adjacency).all() or (adjacency < 0).any():
        raise DataError(f"adj of {name} must hold finite weights at or above 0")
    return np.concatenate([x, adjacency], axis=2, dtype=np.float64)


def _series(series: Array, name: str) -> Raw:
    """[steps] or [steps, features], of which the first is to be forecast."""
    values = numeric(series, f"{name} (series)").astype(np.float64)
    if values.ndim != 2 or not np.isfinite(values).all():
        raise DataError(f"the series of {name} must be finite numbers [steps] or [steps, features]")
    others = [f"x{place}" for place in range(values.shape[1] - 1)]
    part = Part(Table.of_numbers(values[:, 1:], others), values[:, 0])
    return Raw(name, {"train": part}, columns=("series",), series=True)


def _target(arrays: Mapping[str, Array], selection: Selection) -> str:
    """The array that was asked for, else the one that the network was trained on where there is one, else y."""
    known = [name for name in selection.known_targets if name.lower() in arrays]
    return selection.target or (known[0] if known else "y")


def _part(arrays: Mapping[str, Array], x_name: str, y_name: str, name: str, selection: Selection) -> Part:
    x = numeric(np.asarray(arrays[x_name]), f"{name} ({x_name})")
    if y_name not in arrays:
        if selection.labelled:
            raise DataError(
                f"{name} has {x_name} but no {y_name}{did_you_mean(y_name, set(arrays) - {x_name})}: "
                f"its arrays are {listed(arrays)}"
            )
        return Part(x, None)
    y = tidy_labels(np.atleast_1d(arrays[y_name]), f"{name} ({y_name})")
    if len(x) != len(y):
        raise DataError(f"{x_name} of {name} has {len(x)} examples and {y_name} has {len(y)}: they must match")
    return Part(x, y)


def _check_shapes(parts: Mapping[PartName, Part], name: str) -> None:
    targets = {part.y.shape[1:] for part in parts.values() if part.y is not None}
    if len(targets) > 1:
        raise DataError(f"the splits of {name} hold targets of different shapes: they must be alike")
    shapes = {part_name: _shape(part) for part_name, part in parts.items()}
    if len(set(shapes.values())) > 1:
        found = ", ".join(f"{part_name} {sized(shape)}" for part_name, shape in shapes.items())
        raise DataError(f"the splits of {name} hold inputs of different shapes ({found}): they must be alike")


def _shape(part: Part) -> tuple[int, ...]:
    return () if isinstance(part.x, Table) else part.x.shape[1:]


def _per_example(
    arrays: Mapping[str, Array], key: str | None, parts: Mapping[PartName, Part], name: str
) -> Array | None:
    if key is None:
        return None
    if key.lower() not in arrays:
        raise DataError(f"{name} has no array {key!r}{did_you_mean(key, arrays)}: its arrays are {listed(arrays)}")
    values = tidy_labels(arrays[key.lower()], f"{name} ({key})")
    if values.ndim != 1 or list(parts) != ["train"] or len(values) != len(parts["train"]):
        raise DataError(f"the array {key!r} of {name} must have one value for each of the examples in x")
    return values
