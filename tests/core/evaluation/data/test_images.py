import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from neuromosaic.core.brief import TensorSpec
from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data import Dataset, load_inputs

Load = Callable[..., Dataset]


def save(path: Path, pixels: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def fill(folder: Path, classes: str = "ab", each: int = 4, shape: tuple[int, ...] = (6, 5), seed: int = 0) -> Path:
    draw = np.random.default_rng(seed)
    for name in classes:
        for number in range(each):
            save(folder / name / f"{number}.png", draw.integers(0, 256, size=shape, dtype=np.uint8))
    return folder


def test_subfolders_are_classes_of_grey_images(load: Load, tmp_path: Path) -> None:
    data = load(fill(tmp_path))
    assert data.contract.input.shape == (1, 6, 5)
    assert data.preprocessing.classes == ("a", "b")
    assert data.summary.class_counts == (2, 2)
    assert not any("resized" in note for note in data.notes)


def test_coloured_images_have_their_channels_first(load: Load, tmp_path: Path) -> None:
    data = load(fill(tmp_path, shape=(6, 5, 3)))
    assert data.contract.input.shape == (3, 6, 5)
    assert np.allclose(data.train.x.mean(axis=(0, 2, 3)), 0, atol=1e-5)


def test_train_and_test_folders_are_kept_as_splits(load: Load, tmp_path: Path) -> None:
    fill(tmp_path / "train", seed=1)
    fill(tmp_path / "test", each=3, seed=2)
    data = load(tmp_path)
    assert len(data.open_test()) == 6
    assert len(data.train) + len(data.validation) == 8


def test_folders_beside_train_are_not_overlooked(load: Load, tmp_path: Path) -> None:
    fill(tmp_path / "train")
    fill(tmp_path / "extra")
    with pytest.raises(DataError, match="has the folders 'extra' beside train"):
        load(tmp_path)


def test_other_sizes_are_resized_to_the_most_common_one_and_that_is_said(load: Load, tmp_path: Path) -> None:
    fill(tmp_path)
    save(tmp_path / "a" / "big.png", np.zeros((9, 9, 3), dtype=np.uint8))
    data = load(tmp_path)
    assert data.contract.input.shape == (3, 6, 5)
    assert "1 of 9 images were resized to 5x6" in data.notes
    assert "8 of 9 images were made coloured" in data.notes


def test_where_sizes_differ_the_briefs_size_counts(load: Load, tmp_path: Path) -> None:
    save(fill(tmp_path) / "a" / "big.png", np.zeros((9, 9), dtype=np.uint8))
    assert load(tmp_path, input=TensorSpec(shape=(1, 4, 4))).train.x.shape[1:] == (1, 4, 4)


def test_where_all_sizes_agree_a_brief_that_says_otherwise_is_refused(load: Load, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the brief says inputs of 1x4x4, but .* has inputs of 1x6x5"):
        load(fill(tmp_path), input=TensorSpec(shape=(1, 4, 4)))


def test_new_images_need_no_class_and_are_brought_to_the_training_form(load: Load, tmp_path: Path) -> None:
    preprocessing = load(fill(tmp_path / "old")).preprocessing
    save(tmp_path / "new" / "one.png", np.zeros((9, 9, 3), dtype=np.uint8))
    save(tmp_path / "new" / "two.png", np.zeros((6, 5), dtype=np.uint8))
    x, y = load_inputs(str(tmp_path / "new"), preprocessing)
    assert x.shape == (2, 1, 6, 5)
    assert y is None
    x, y = load_inputs(str(tmp_path / "old"), preprocessing)
    assert y is not None
    assert y.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]


def test_new_images_of_an_unknown_class_are_refused(load: Load, tmp_path: Path) -> None:
    preprocessing = load(fill(tmp_path / "old")).preprocessing
    with pytest.raises(DataError, match=r"labels 'c' are not among the classes that are known: 'a', 'b'"):
        load_inputs(str(fill(tmp_path / "new", "bc")), preprocessing)


def test_an_image_outside_of_any_class_is_named(load: Load, tmp_path: Path) -> None:
    save(fill(tmp_path) / "lost.png", np.zeros((6, 5), dtype=np.uint8))
    with pytest.raises(DataError, match=r"lost.png lies outside of any class"):
        load(tmp_path)


def test_an_empty_split_is_named(load: Load, tmp_path: Path) -> None:
    fill(tmp_path / "train")
    (tmp_path / "test").mkdir()
    with pytest.raises(DataError, match="test holds no images"):
        load(tmp_path)


@pytest.mark.parametrize("keep", [0, 20, 60])
def test_a_damaged_image_is_named(load: Load, tmp_path: Path, keep: int) -> None:
    path = fill(tmp_path, shape=(30, 30)) / "a" / "0.png"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"0.png cannot be read as an image"):
        load(tmp_path)


def test_deep_pixels_are_refused(load: Load, tmp_path: Path) -> None:
    save(fill(tmp_path) / "a" / "deep.png", np.zeros((6, 5), dtype=np.uint16))
    with pytest.raises(DataError, match="convert it to 8 bits"):
        load(tmp_path)


def test_without_pillow_the_extra_is_named(load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(DataError, match=r"pip install neuromosaic\[images\]"):
        load(tmp_path)


def test_a_folder_without_known_data_says_what_is_looked_for(load: Load, tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("nothing")
    with pytest.raises(DataError, match="holds no data that are known"):
        load(tmp_path)
