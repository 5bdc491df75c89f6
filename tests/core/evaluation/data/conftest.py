"""Small data of every kind, written by the tests themselves."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuromosaic.core.brief import Brief
from neuromosaic.core.evaluation.data import Dataset, load_dataset


@pytest.fixture
def load() -> Callable[..., Dataset]:
    """`load(reference, **other fields of the brief)`."""
    return lambda reference, **fields: load_dataset(Brief(data=str(reference), **fields))


@pytest.fixture
def npz(tmp_path: Path) -> Callable[..., Path]:
    """`npz(x=..., y=...)`: the path of such a file."""

    def write(name: str = "data.npz", **arrays: Any) -> Path:
        np.savez(tmp_path / name, **arrays)
        return tmp_path / name

    return write


@pytest.fixture
def csv(tmp_path: Path) -> Callable[..., Path]:
    """`csv("a,b\\n1,2")`: the path of such a file."""

    def write(text: str, name: str = "table.csv") -> Path:
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


@pytest.fixture
def people() -> str:
    """A table of 40 rows: age, town (3 distinct), clinic (8 distinct), day, label."""
    rows = [
        f"{20 + row},{('Oslo', 'Rome', 'Bonn')[row % 3]},clinic{row % 8},2020-01-{1 + row % 28:02d},"
        f"{('no', 'yes')[row // 2 % 2]}"
        for row in range(40)
    ]
    return "\n".join(["age,town,clinic,day,label", *rows])


@pytest.fixture
def write_idx() -> Callable[..., None]:
    """`write_idx(path, array, code)`: an idx file, gzipped where the path ends with .gz."""

    def write(path: Path, array: Any, code: int = 0x08) -> None:
        content = struct.pack(">HBB", 0, code, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
        content += array.astype(array.dtype.newbyteorder(">")).tobytes()
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)

    return write
