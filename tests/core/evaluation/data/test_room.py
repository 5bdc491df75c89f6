"""What memory does not hold lies on the disk, and is the same data to the last bit."""

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from neuromosaic.core.brief import Brief
from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data import room
from neuromosaic.core.evaluation.data.dataset import Dataset
from neuromosaic.core.evaluation.data.loading import load_dataset, load_inputs

DRAW = np.random.default_rng(0)


def arrays(path: Path, **named: np.ndarray) -> str:
    path.mkdir()
    for name, array in named.items():
        np.save(path / f"{name}.npy", array)
    return str(path)


def images(path: Path) -> str:
    pixels = DRAW.integers(0, 255, (40, 8, 8), dtype=np.uint8)
    for number, one in enumerate(pixels):
        folder = path / ("even" if number % 2 else "odd")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(one).save(folder / f"{number}.png")
    return str(path)


def npz(path: Path) -> str:
    columns_first = np.asfortranarray(DRAW.standard_normal((60, 5)))
    np.savez_compressed(path.with_suffix(".npz"), x=columns_first, y=DRAW.integers(0, 2, 60))
    return str(path.with_suffix(".npz"))


LABELS = np.arange(60) % 3
SOURCES: dict[str, Callable[[Path], str]] = {
    "table": lambda path: arrays(path, x=DRAW.standard_normal((60, 5)), y=LABELS),
    "images": lambda path: arrays(path, x=DRAW.integers(0, 255, (60, 6, 6, 3), dtype=np.uint8), y=LABELS),
    "big-endian": lambda path: arrays(path, x=DRAW.standard_normal((60, 4, 2)).astype(">f4"), y=LABELS),
    "yes and no": lambda path: arrays(path, x=DRAW.random((60, 5)) < 0.5, y=LABELS),
    "regression": lambda path: arrays(path, x=DRAW.standard_normal((60, 5)), y=DRAW.standard_normal(60)),
    "masks": lambda path: arrays(path, x=DRAW.random((60, 6, 6)), y=DRAW.integers(0, 2, (60, 6, 6))),
    "splits": lambda path: arrays(
        path, x_train=DRAW.random((60, 5)), y_train=LABELS, x_test=DRAW.random((9, 5)), y_test=LABELS[:9]
    ),
    "folders of images": images,
    "npz": npz,
}


def loaded(source: str, megabytes: float, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    monkeypatch.setenv(room.VARIABLE, str(megabytes))
    return load_dataset(Brief(data=source))


@pytest.mark.parametrize("name", SOURCES)
def test_the_data_are_the_same_to_the_last_bit(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = SOURCES[name](tmp_path / "data")
    held, disk = loaded(source, 100, monkeypatch), loaded(source, 1e-6, monkeypatch)
    assert isinstance(disk.train.x, room.OnDisk)
    assert not isinstance(held.train.x, room.OnDisk)
    assert disk.hash == held.hash
    assert disk.preprocessing == held.preprocessing
    assert disk.notes == held.notes
    for one, other in (
        (disk.train, held.train),
        (disk.validation, held.validation),
        (disk.open_test(), held.open_test()),
    ):
        assert one.x.dtype == other.x.dtype
        assert np.array_equal(one.x, other.x)
        assert np.array_equal(one.y, other.y)


def test_inputs_to_predict_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = SOURCES["splits"](tmp_path / "data")
    preprocessing = loaded(source, 100, monkeypatch).preprocessing
    held = load_inputs(source, preprocessing)
    monkeypatch.setenv(room.VARIABLE, "0.000001")
    disk = load_inputs(source, preprocessing)
    assert isinstance(disk[0], room.OnDisk)
    assert np.array_equal(disk[0], held[0])


def test_faults_are_found_by_their_place_wherever_they_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.zeros((60, 5))
    x[33, 2] = np.nan
    x[50, 1] = np.inf
    monkeypatch.setattr(room, "NUMBERS_AT_ONCE", 50)
    with pytest.raises(DataError, match=r"2 NaN or infinite values, first in row 33, position 2"):
        loaded(arrays(tmp_path / "data", x=x, y=LABELS), 1e-6, monkeypatch)


def test_a_full_disk_is_told_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(room, "_reserve", full)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with pytest.raises(DataError, match=rf"GB of data fit neither into memory nor into {tmp_path} \(No space left"):
        loaded(SOURCES["table"](tmp_path / "data"), 1e-6, monkeypatch)


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv(room.VARIABLE, "0")
    array = room.room((10, 3), np.float32)
    assert isinstance(array, room.OnDisk)
    assert list(tmp_path.iterdir()) == []
    array[:] = 7
    assert array.file is not None
    assert os.pread(array.file.fileno(), 4, 0) == np.float32(7).tobytes()
    if os.path.isdir("/proc/self/fd"):
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.pwrite(array.file.fileno(), b"0", 0)
    assert array[:2].file is None
    assert (array + 1).file is None


def test_the_limit_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(room.VARIABLE, "much")
    with pytest.raises(DataError, match="NEUROMOSAIC_DATA_IN_MEMORY_MB is 'much': give megabytes"):
        room.most_in_memory()
    monkeypatch.setenv(room.VARIABLE, "2.5")
    assert room.most_in_memory() == 2_500_000
    monkeypatch.delenv(room.VARIABLE)
    assert 0 < room.most_in_memory() <= room.MOST


def test_a_damaged_archive_is_refused_on_the_way_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "d.npz"
    with zipfile.ZipFile(path, "w") as archive, archive.open("x.npy", "w") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (1000,)})
        file.write(b"\0" * 80)
    with pytest.raises(DataError, match="cannot be read as numpy arrays"):
        loaded(str(path), 1e-6, monkeypatch)
    with zipfile.ZipFile(path, "w") as archive, archive.open("x.npy", "w") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": (9,)})
    with pytest.raises(DataError, match="pickled Python objects"):
        loaded(str(path), 1e-6, monkeypatch)
