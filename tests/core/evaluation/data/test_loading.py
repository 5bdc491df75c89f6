"""What holds for data of every kind."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuromosaic.core.brief import Brief, TensorSpec
from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data import Dataset, Preprocessing, describe, load_dataset, load_inputs

Load = Callable[..., Dataset]
Write = Callable[..., Path]

X = np.random.default_rng(0).normal(size=(60, 4))
Y = np.arange(60) % 3


def test_hash_and_splits_depend_on_content_not_on_seed_or_path(load: Load, npz: Write, tmp_path: Path) -> None:
    path = npz(x=X, y=Y)
    (tmp_path / "elsewhere").mkdir()
    copy = shutil.copy(path, tmp_path / "elsewhere" / "other.npz")
    one, other = load(path, seed=0), load(copy, seed=7)
    assert one.hash == other.hash
    assert np.array_equal(one.train.x, other.train.x)
    assert np.array_equal(one.open_test().x, other.open_test().x)


def test_any_change_of_content_changes_the_hash(load: Load, npz: Write) -> None:
    changed = X.copy()
    changed[0, 0] += 1
    variants: list[dict[str, Any]] = [
        {"x": X, "y": Y},
        {"x": changed, "y": Y},
        {"x": X, "y": Y[::-1]},
        {"x": X.astype(np.float32), "y": Y},
        {"x": X.reshape(60, 2, 2), "y": Y},
        {"x_train": X, "y_train": Y, "x_test": X, "y_test": Y},
    ]
    hashes = {load(npz(**arrays)).hash for arrays in variants}
    group = load(npz(x=X, y=Y, g=np.arange(60) // 4), group="g")
    assert len(hashes | {group.hash}) == len(variants) + 1


def test_scales_come_from_training_alone(load: Load, npz: Write) -> None:
    data = load(npz(x_train=X, y_train=Y, x_val=X + 100, y_val=Y, x_test=X + 200, y_test=Y))
    assert np.allclose(data.train.x.mean(axis=0), 0, atol=1e-6)
    assert data.validation.x.min() > 10
    assert data.open_test().x.min() > 100


def test_identical_rows_across_splits_are_counted(load: Load, npz: Write, csv: Write) -> None:
    data = load(npz(x_train=X, y_train=Y, x_test=np.concatenate([X[:4], X[:6] + 1]), y_test=Y[:10]))
    assert any(note.startswith("4 of 19 validation and test examples have the inputs") for note in data.notes)
    table = "\n".join(["a,word,y", *["1,x,0", "1,z,1"] * 10])
    assert any("8 of 8 validation and test" in note for note in load(csv(table)).notes)
    assert not any("earlier split" in note for note in load(npz(x=X, y=Y)).notes)


def test_imbalance_is_noticed_with_its_counts(load: Load, npz: Write) -> None:
    data = load(npz(x=X, y=np.array([0] * 50 + [1] * 10)))
    assert "the classes are imbalanced: in training 0 has 34 examples, 1 6" in data.notes
    assert data.summary.class_counts == (34, 6)
    assert data.summary.notes == data.notes
    assert not any("imbalanced" in note for note in load(npz(x=X, y=Y)).notes)


def test_one_target_of_several_that_never_changes_is_noticed(load: Load, npz: Write) -> None:
    y = np.stack([np.full(60, 1.5), np.random.default_rng(0).standard_normal(60)], axis=1)
    said = "the same target in all training rows, so there is nothing to learn of it: 'target 0'"
    assert said in load(npz(x=X, y=y)).notes


def test_columns_that_say_nothing_are_named(load: Load, npz: Write) -> None:
    constant = np.concatenate([X, np.ones((60, 1))], axis=1)
    assert "the same value in all training rows: 'x4'" in load(npz(x=constant, y=Y)).notes


@pytest.mark.parametrize(("x", "y"), [(1e300, 1.0), (1.0, 1e300)])
def test_numbers_beyond_32_bits_are_refused(load: Load, npz: Write, x: float, y: float) -> None:
    far = np.where(np.arange(60) % 2, 1.0, -1.0)
    with pytest.raises(DataError, match="hold values too large or too far apart for 32-bit numbers"):
        load(npz(x=X * x, y=far * y))


def test_too_few_examples_of_a_class_are_named(load: Load, npz: Write) -> None:
    with pytest.raises(DataError, match=r"too few examples of the classes 2 \(1\)"):
        load(npz(x=X, y=np.array([0, 1] * 29 + [2, 0])), task="classification")


def test_one_class_only_is_refused(load: Load, npz: Write) -> None:
    with pytest.raises(DataError, match=r"all labels of data.npz are 7: classification needs at least two classes"):
        load(npz(x=X, y=Y * 0 + 7))


def test_a_class_that_training_lacks_is_refused(load: Load, npz: Write) -> None:
    with pytest.raises(DataError, match=r"the classes 9 of data.npz occur in validation or test only"):
        load(npz(x_train=X, y_train=Y, x_test=X[:9], y_test=np.full(9, 9)))


def test_own_splits_leave_no_room_for_groups(load: Load, npz: Write) -> None:
    with pytest.raises(DataError, match="no array 'g'"):
        load(npz(x_train=X, y_train=Y, x_test=X, y_test=Y), group="g")
    with pytest.raises(DataError, match="must have one value for each of the examples"):
        load(npz(x_train=X, y_train=Y, x_test=X, y_test=Y, g=Y), group="g")


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        (
            {"input": TensorSpec(shape=(1, 28, 28))},
            "the brief says inputs of 1x28x28, but digits has inputs of 1x8x8",
        ),
        ({"output": TensorSpec(shape=(4,))}, "the brief says 4 classes, but digits has 10 classes"),
        (
            {"task": "regression", "output": TensorSpec(shape=(2,))},
            "the brief says 2 targets, but digits has 1 targets",
        ),
    ],
)
def test_a_brief_that_contradicts_the_data_is_refused(load: Load, fields: Any, fault: str) -> None:
    with pytest.raises(DataError, match=fault):
        load("digits", **fields)


@pytest.mark.parametrize("shape", [(1, 8, 8), (8, 8)])
def test_a_brief_that_agrees_is_accepted(load: Load, shape: tuple[int, ...]) -> None:
    brief = {"task": "classification", "output": TensorSpec(shape=(10,))}
    assert load("digits", input=TensorSpec(shape=shape), **brief).contract.output.shape == (10,)


@pytest.mark.parametrize(
    ("reference", "fault"),
    [
        (None, "the brief names no data"),
        ("nowhere.npz", "there are no data at 'nowhere.npz'"),
        ("~nobody/nowhere", "there are no data at"),
        ("x" * 5000, "cannot be read: File name too long"),
    ],
)
def test_data_that_are_not_there_are_refused(reference: str | None, fault: str) -> None:
    with pytest.raises(DataError, match=fault):
        load_dataset(Brief(data=reference))


def test_an_extension_that_is_not_known_names_those_that_are(load: Load, tmp_path: Path) -> None:
    (tmp_path / "data.xlsx").write_text("")
    with pytest.raises(DataError, match=r"has the extension '.xlsx': give one of .npz, .csv"):
        load(tmp_path / "data.xlsx")


def test_a_description_is_json_and_complete(load: Load, npz: Write) -> None:
    found = json.loads(json.dumps(describe(load("iris"))))
    assert found["kind"] == "tabular"
    assert found["splits"] == {"train": 102, "validation": 24, "test": 24}
    assert found["classes"] == {"setosa": 34, "versicolor": 34, "virginica": 34}
    assert len(found["ranges"]["inputs"]["low"]) == 4
    assert len(found["hash"]) == 64
    regression = describe(load(npz(x=X, y=X[:, 0])))
    assert len(regression["ranges"]["targets"]["mean"]) == 1
    text = Path(npz().parent / "t.txt")
    text.write_text("abc" * 1000)
    assert describe(load(text))["ranges"] == {"characters": "abc"}


def test_describing_opens_no_test_split(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    data = load("iris")
    monkeypatch.setattr(Dataset, "open_test", lambda self: pytest.fail("opened"))
    describe(data)


# ---------------------------------------------------------------- after delivery


def test_new_data_are_prepared_as_training_data_were(load: Load, npz: Write) -> None:
    data = load(npz(x_train=X, y_train=Y, x_val=X, y_val=Y, x_test=X, y_test=Y))
    known = Preprocessing.model_validate_json(data.preprocessing.model_dump_json())
    x, y = load_inputs(str(npz("new.npz", x=X[:5], y=Y[:5])), known)
    assert np.array_equal(x, data.train.x[:5])
    assert y is not None
    assert y.tolist() == Y[:5].tolist()


def test_new_data_need_no_labels(load: Load, npz: Write) -> None:
    known = load(npz(x=X, y=Y)).preprocessing
    x, y = load_inputs(str(npz("new.npz", x=X[:5])), known)
    assert x.shape == (5, 4)
    assert y is None


def test_of_data_with_splits_all_examples_come_in_order(load: Load, npz: Write) -> None:
    known = load(npz(x=X, y=Y)).preprocessing
    _, y = load_inputs(str(npz("new.npz", x_test=X[:3], y_test=[2, 2, 2], x_train=X[:2], y_train=[0, 1])), known)
    assert y is not None
    assert y.tolist() == [0, 1, 2, 2, 2]


@pytest.mark.parametrize(
    ("arrays", "fault"),
    [
        ({"x": X[:, 1:]}, "the network reads the columns 'x0', 'x1', 'x2', 'x3', not an array of 3"),
        ({"x": X, "y": Y + 1}, "labels 3 are not among the classes that are known: 0, 1, 2"),
        ({"x": X, "y": X[:, 0]}, "are no whole numbers"),
        ({"x": np.where(np.arange(240).reshape(60, 4) == 9, np.nan, X)}, "hold 1 NaN"),
    ],
)
def test_new_data_that_do_not_fit_are_refused(load: Load, npz: Write, arrays: Any, fault: str) -> None:
    known = load(npz(x=X, y=Y)).preprocessing
    with pytest.raises(DataError, match=fault):
        load_inputs(str(npz("new.npz", **arrays)), known)


def test_retraining_keeps_scales_and_class_order(load: Load, npz: Write) -> None:
    known = load(npz(x=X, y=np.array(["c", "a", "b"])[Y])).preprocessing
    again = load_dataset(Brief(data=str(npz("new.npz", x=X * 2, y=np.array(["b", "c"])[Y % 2]))), known)
    assert again.preprocessing is known
    assert again.preprocessing.classes == ("a", "b", "c")
    assert set(again.train.y.tolist()) == {1, 2}
    assert again.summary.class_counts[0] == 0
    assert again.train.x.std() > 1.5


def test_retraining_on_the_same_data_finds_the_same_hash_and_splits(load: Load, npz: Write) -> None:
    path = npz(x=X, y=Y)
    first = load(path)
    again = load_dataset(Brief(data=str(path)), first.preprocessing)
    assert again.hash == first.hash
    assert np.array_equal(again.train.x, first.train.x)
    assert np.array_equal(again.open_test().y, first.open_test().y)


def test_retraining_for_another_task_is_refused(load: Load, npz: Write) -> None:
    known = load(npz(x=X, y=Y)).preprocessing
    with pytest.raises(DataError, match=r"the brief asks for regression, but .* is prepared for"):
        load_dataset(Brief(data=str(npz(x=X, y=Y)), task="regression"), known)


def test_images_of_another_scale_are_refused_when_retraining(load: Load, npz: Write) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, size=(60, 4, 4), dtype=np.uint8)
    known = load(npz(x=pixels, y=Y)).preprocessing
    with pytest.raises(DataError, match="scale them alike"):
        load_dataset(Brief(data=str(npz("new.npz", x=pixels / 255, y=Y))), known)
