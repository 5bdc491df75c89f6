from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data import Dataset, load_inputs
from neuromosaic.core.evaluation.data.sources.idx import read_idx

Load = Callable[..., Dataset]
Write = Callable[..., None]

IMAGES = np.random.default_rng(0).integers(0, 256, size=(40, 6, 5), dtype=np.uint8)
LABELS = (np.arange(40) % 4).astype(np.uint8)


@pytest.fixture
def folder(tmp_path: Path, write_idx: Write) -> Path:
    """Named as MNIST is, training gzipped and test not."""
    write_idx(tmp_path / "train-images-idx3-ubyte.gz", IMAGES)
    write_idx(tmp_path / "train-labels-idx1-ubyte.gz", LABELS)
    write_idx(tmp_path / "t10k-images-idx3-ubyte", IMAGES[::-1])
    write_idx(tmp_path / "t10k-labels-idx1-ubyte", LABELS[::-1])
    (tmp_path / "README").write_text("not of the data")
    return tmp_path


def test_pairs_become_grey_images_with_the_test_split_kept(load: Load, folder: Path) -> None:
    data = load(folder)
    assert data.contract.input.shape == (1, 6, 5)
    assert len(data.train) + len(data.validation) == 40
    assert data.open_test().y.tolist() == LABELS[::-1].tolist()
    assert data.preprocessing.inputs.scaling.high == (float(IMAGES.max()),)  # type: ignore[union-attr]


def test_repeated_images_are_counted_across_splits(load: Load, folder: Path) -> None:
    assert (
        "40 of 48 validation and test examples have the inputs of an example in an earlier split"
        in load(folder).notes
    )


@pytest.mark.parametrize(("code", "dtype"), [(0x09, "i1"), (0x0B, "i2"), (0x0C, "i4"), (0x0D, "f4"), (0x0E, "f8")])
def test_every_number_type_is_read(tmp_path: Path, write_idx: Write, code: int, dtype: str) -> None:
    array = np.arange(-6, 6).reshape(3, 4).astype(dtype)
    write_idx(tmp_path / "a", array, code)
    read = read_idx(tmp_path / "a")
    assert read.dtype == np.dtype(dtype)
    assert np.array_equal(read, array)


def test_new_images_need_no_labels(load: Load, folder: Path, tmp_path: Path) -> None:
    preprocessing = load(folder).preprocessing
    for file in folder.glob("*labels*"):
        file.unlink()
    x, y = load_inputs(str(folder), preprocessing)
    assert x.shape == (80, 1, 6, 5)
    assert y is None


def test_a_missing_half_is_named(load: Load, folder: Path) -> None:
    (folder / "train-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError, match=r"has train-images-idx3-ubyte.gz but not the labels"):
        load(folder)


def test_two_candidates_for_a_half_are_refused(load: Load, folder: Path, write_idx: Write) -> None:
    write_idx(folder / "my-train-images-idx3-ubyte", IMAGES)
    with pytest.raises(DataError, match="two files of train images"):
        load(folder)


def test_a_test_pair_alone_is_no_training_data(load: Load, folder: Path) -> None:
    for file in folder.glob("train*"):
        file.unlink()
    with pytest.raises(DataError, match="no pair of idx files for training"):
        load(folder)


def test_halves_of_different_length_are_refused(load: Load, folder: Path, write_idx: Write) -> None:
    write_idx(folder / "train-labels-idx1-ubyte.gz", LABELS[:-2])
    with pytest.raises(DataError, match="has 40 images and its labels are 38"):
        load(folder)


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda content: content[: len(content) // 2], "cannot be unpacked"),
        (lambda content: b"no gzip at all", "cannot be unpacked"),
    ],
)
def test_a_damaged_gz_is_named(load: Load, folder: Path, damage: Callable[[bytes], bytes], fault: str) -> None:
    path = folder / "train-images-idx3-ubyte.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=rf"train-images-idx3-ubyte.gz {fault}"):
        load(folder)


@pytest.mark.parametrize("content", [b"", b"\x00\x00", b"\x01\x02\x08\x01\x00\x00\x00\x00", b"\x00\x00\x08\x03\x00"])
def test_a_wrong_header_is_named(load: Load, folder: Path, content: bytes) -> None:
    (folder / "t10k-images-idx3-ubyte").write_bytes(content)
    with pytest.raises(DataError, match="t10k-images-idx3-ubyte is no idx file"):
        load(folder)


def test_a_file_shorter_than_it_says_is_named(load: Load, folder: Path) -> None:
    path = folder / "t10k-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match="is cut short or too long for its 40 entries"):
        load(folder)
