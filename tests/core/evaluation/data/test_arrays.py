import io
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neuromosaic.core.brief import TensorSpec
from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data import Dataset
from neuromosaic.core.evaluation.data.sources.arrays import arrays_in

Load = Callable[..., Dataset]
Write = Callable[..., Path]

X = np.random.default_rng(0).normal(size=(60, 5))
Y = np.arange(60) % 3


def test_x_and_y_are_divided_70_15_15_with_equal_class_shares(load: Load, npz: Write) -> None:
    data = load(npz(x=X, y=Y))
    test = data.open_test()
    assert (len(data.train), len(data.validation), len(test)) == (42, 9, 9)
    assert np.bincount(test.y).tolist() == np.bincount(data.validation.y).tolist() == [3, 3, 3]


def test_splits_that_the_data_bring_are_kept_in_their_order(load: Load, npz: Write) -> None:
    path = npz(x_train=X[:40], y_train=Y[:40], X_val=X[40:50], y_val=Y[40:50], x_test=X[50:], y_test=Y[50:])
    data = load(path)
    assert (len(data.train), len(data.validation), len(data.open_test())) == (40, 10, 10)
    assert data.train.y.tolist() == Y[:40].tolist()
    assert data.open_test().y.tolist() == Y[50:].tolist()
    assert any("those that the data bring" in note for note in data.notes)


def test_a_test_split_is_kept_and_validation_comes_out_of_training(load: Load, npz: Write) -> None:
    data = load(npz(x_train=X[:50], y_train=Y[:50], x_test=X[50:], y_test=Y[50:]))
    assert len(data.train) + len(data.validation) == 50
    assert data.open_test().y.tolist() == Y[50:].tolist()
    assert any("validation was divided off" in note and "test split is kept" in note for note in data.notes)


def test_a_validation_split_is_kept_and_test_comes_out_of_training(load: Load, npz: Write) -> None:
    data = load(npz(x_train=X[:50], y_train=Y[:50], x_valid=X[50:], y_valid=Y[50:]))
    assert len(data.validation) == 10
    assert len(data.open_test()) + len(data.train) == 50


@pytest.mark.parametrize("save", [np.save, lambda path, array: np.savez(path.with_suffix(".npz"), array)])
def test_a_folder_holds_one_array_per_file(load: Load, tmp_path: Path, save: Callable[[Path, Any], None]) -> None:
    for name, array in {"x_train": X[:40], "y_train": X[:40, 0], "x_test": X[40:], "y_test": X[40:, 0]}.items():
        save(tmp_path / f"{name}.npy", array)
    data = load(tmp_path)
    assert data.contract.task == "regression"
    assert len(data.open_test()) == 20


def test_a_file_with_two_arrays_in_such_a_folder_is_refused(load: Load, tmp_path: Path) -> None:
    np.savez(tmp_path / "x_train.npz", one=X, two=X)
    with pytest.raises(DataError, match=r"x_train.npz holds 2 arrays \('one', 'two'\)"):
        load(tmp_path)


def test_one_column_labels_are_squeezed(load: Load, npz: Write) -> None:
    assert load(npz(x=X, y=Y[:, None])).train.y.ndim == 1


def test_one_dimensional_inputs_are_one_feature(load: Load, npz: Write) -> None:
    assert load(npz(x=X[:, 0], y=Y)).contract.input.shape == (1,)


def test_big_endian_and_boolean_inputs_are_read_as_what_they_mean(load: Load, npz: Write) -> None:
    plain, swapped = load(npz(x=X, y=Y)), load(npz(x=X.astype(">f8"), y=Y.astype(">i8")))
    assert plain.hash == swapped.hash
    assert np.array_equal(plain.train.x, swapped.train.x)
    assert load(npz(x=X > 0, y=Y)).train.x.dtype == np.float32


def test_the_target_may_be_another_array(load: Load, npz: Write) -> None:
    data = load(npz(x=X, y=Y, price=X[:, 1]), target="price")
    assert data.contract.task == "regression"


def test_groups_and_times_may_be_arrays_beside_x_and_y(load: Load, npz: Write) -> None:
    group = np.arange(60) // 6
    data = load(npz(x=np.stack([group, X[:, 0]], axis=1), y=Y, patient=group), group="patient")
    seen = [set(split.x[:, 0].tolist()) for split in (data.train, data.validation, data.open_test())]
    assert sum(map(len, seen)) == len(set().union(*seen)) == 10
    late = load(npz(x=np.arange(60.0), y=Y, when=np.arange(60)), time="when")
    assert late.train.x.max() < late.validation.x.min() <= late.validation.x.max() < late.open_test().x.min()


@pytest.mark.parametrize(
    ("arrays", "fields", "fault"),
    [
        ({"a": X}, {}, r"data.npz holds the arrays 'a': name them x and y"),
        ({"x": X}, {}, "data.npz has x but no y"),
        ({"x": X, "labels": Y}, {"target": "label"}, r"no label \(did you mean 'labels'\?\)"),
        ({"x": X, "y": Y[:-1]}, {}, "x of data.npz has 60 examples and y has 59"),
        ({"x_test": X, "y_test": Y}, {}, "holds the arrays 'x_test', 'y_test'"),
        ({"x_train": X, "y_train": Y, "x_test": X[:, 1:], "y_test": Y}, {}, r"\(train 5, test 4\)"),
        ({"x": X.astype(str), "y": Y}, {}, "not numbers"),
        ({"x": X[:0], "y": Y[:0]}, {}, "are empty"),
        ({"x": X.reshape(60, 5, 1, 1, 1), "y": Y}, {}, "have shape 60x5x1x1x1"),
        ({"x": X, "y": Y.reshape(15, 2, 2, 1)}, {}, "shape 15x2x2x1"),
        ({"x": X, "y": Y}, {"group": "patient"}, "has no array 'patient'"),
        ({"x": X, "y": Y, "patient": Y[:3]}, {"group": "patient"}, "one value for each of the examples"),
        ({"x": X, "y": Y}, {"group": "a", "time": "b"}, "--group and --time cannot both"),
        ({"x": X, "y": Y + 1j}, {}, "holds complex128"),
    ],
)
def test_what_is_wrong_is_said(load: Load, npz: Write, arrays: Any, fields: Any, fault: str) -> None:
    with pytest.raises(DataError, match=fault):
        load(npz(**arrays), **fields)


def test_nan_is_told_by_count_and_place(load: Load, npz: Write) -> None:
    x = X.astype(np.float32)
    x[5, 2] = x[7, 1] = np.nan
    with pytest.raises(DataError, match="hold 2 NaN or infinite values, first in row 5, position 2"):
        load(npz(x=x, y=Y))
    with pytest.raises(DataError, match=r"data.npz \(test\) hold 1 NaN"):
        load(npz(x_train=X, y_train=Y, x_test=np.where(np.arange(300).reshape(60, 5) == 9, np.inf, X), y_test=Y))
    with pytest.raises(DataError, match=r"y of data.npz.*NaN or infinite in 1 rows, first in row 3"):
        load(npz(x=X, y=np.where(np.arange(60) == 3, np.nan, X[:, 0])))


def test_pickled_objects_are_refused(load: Load, npz: Write) -> None:
    with pytest.raises(DataError, match="pickled Python objects, which are not loaded"):
        load(npz(x=X, y=np.array([{"a": 1}] * 60, dtype=object)))


def test_a_lone_npy_file_is_no_data_set(load: Load, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    with pytest.raises(DataError, match=r"put x.npy and y.npy into one folder"):
        load(tmp_path / "x.npy")


def test_a_brief_turns_flat_rows_into_images(load: Load, npz: Write) -> None:
    data = load(npz(x=np.arange(60 * 12.0).reshape(60, 12), y=Y), input=TensorSpec(shape=(3, 2, 2)))
    assert data.contract.kind == "image"
    assert data.train.x.shape[1:] == (3, 2, 2)


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(place=st.integers(0, 10_000), value=st.integers(0, 255), cut=st.integers(0, 2_000))
def test_a_damaged_file_is_read_or_refused_never_worse(tmp_path: Path, place: int, value: int, cut: int) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, x=X, y=Y)
    content = bytearray(buffer.getvalue())
    content[place % len(content)] = value
    path = tmp_path / "damaged.npz"
    path.write_bytes(content[: max(0, len(content) - cut)] if cut % 2 else content)
    with suppress(DataError):
        arrays_in(path)
