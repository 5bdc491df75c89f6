from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuromosaic.core.brief import Brief, TensorSpec
from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data import Dataset, load_dataset, load_inputs
from neuromosaic.core.evaluation.data.inputs import TextInputs

Load = Callable[..., Dataset]
TEXT = "The quick brown fox jumps over the lazy dog.\r\n" * 100


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "story.txt").write_bytes(TEXT.encode())
    return tmp_path / "story.txt"


def decoded(data: Dataset, ids: Any) -> str:
    assert isinstance(data.preprocessing.inputs, TextInputs)
    return data.preprocessing.inputs.text_of(ids.ravel())


def test_windows_hold_the_text_and_targets_the_next_characters(load: Load, path: Path) -> None:
    data = load(path, input=TensorSpec(shape=(16,)))
    assert data.contract.task == "language_modelling"
    assert data.contract.input == TensorSpec(shape=(16,), dtype="int64", upper=len(set(TEXT)))
    assert data.contract.output.shape == (16, len(set(TEXT)))
    assert data.train.x.dtype == data.train.y.dtype == np.int64
    whole = decoded(data, data.train.x)
    assert TEXT.startswith(whole)
    assert decoded(data, data.train.y) == TEXT[1 : len(whole) + 1]
    assert data.train.x.flags.c_contiguous
    assert data.train.y.flags.c_contiguous


def test_splits_follow_one_another_in_the_text(load: Load, path: Path) -> None:
    data = load(path, input=TensorSpec(shape=(16,)))
    first, second = int(0.9 * len(TEXT)), int(0.95 * len(TEXT))
    assert TEXT[first:second].startswith(decoded(data, data.validation.x))
    assert TEXT[second:].startswith(decoded(data, data.open_test().x))
    assert data.summary.test == len(data.open_test())


def test_the_context_that_nobody_named_is_said(load: Load, path: Path) -> None:
    data = load(path)
    assert data.contract.input.shape == (64,)
    assert any("windows of 64, a length that the brief did not name" in note for note in data.notes)


def test_a_character_that_training_lacks_reads_as_the_most_frequent_one(load: Load, tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("aab" * 300 + "aaz" * 30)
    data = load(tmp_path / "t.txt", input=TensorSpec(shape=(8,)))
    assert data.contract.input.upper == 2
    assert "30 characters of validation and test are not in training and read as 'a'" in data.notes
    assert set(decoded(data, data.open_test().x)) == {"a"}


def test_labels_are_the_likeliest_next_characters(load: Load, path: Path) -> None:
    data = load(path, input=TensorSpec(shape=(16,)))
    scores = np.eye(data.contract.output.shape[1])[data.train.y[:2]]
    assert data.preprocessing.labels(scores) == [TEXT[1:17], TEXT[17:33]]


def test_new_texts_come_with_targets_where_they_are_long_enough(load: Load, path: Path, tmp_path: Path) -> None:
    known = load(path, input=TensorSpec(shape=(16,))).preprocessing
    (tmp_path / "new.txt").write_text("The lazy dog jumps over it")
    x, y = load_inputs(str(tmp_path / "new.txt"), known)
    assert y is not None
    assert x[0, 1:].tolist() == y[0, :-1].tolist()
    (tmp_path / "new.txt").write_text("The lazy dog jum")
    x, y = load_inputs(str(tmp_path / "new.txt"), known)
    assert x.shape == (1, 16)
    assert y is None
    (tmp_path / "new.txt").write_text("The")
    with pytest.raises(DataError, match="reads 16 characters at a time, but the text has 3"):
        load_inputs(str(tmp_path / "new.txt"), known)


def test_retraining_keeps_characters_and_context(load: Load, path: Path, tmp_path: Path) -> None:
    known = load(path, input=TensorSpec(shape=(16,))).preprocessing
    (tmp_path / "new.txt").write_text("dog over fox " * 60)
    again = load_dataset(Brief(data=str(tmp_path / "new.txt")), known)
    assert again.preprocessing is known
    assert decoded(again, again.train.x[0]) == "dog over fox dog"


@pytest.mark.parametrize(
    ("content", "fields", "fault"),
    [
        (b" \n ", {}, "story.txt holds no text"),
        (b"", {}, "story.txt holds no text"),
        (b"good \xff bad", {}, "is not UTF-8 at byte 5"),
        (b"short", {}, "has 5 characters, too few for windows of 64 .*: give at least 1300"),
        (TEXT.encode(), {"task": "classification"}, "is a text, for language modelling"),
        (TEXT.encode(), {"input": TensorSpec(shape=(1, 8, 8))}, "inputs with 3 axes, but a text has one"),
        (TEXT.encode(), {"input": TensorSpec(shape=(8,), upper=100)}, "with ids below 100, but story.txt has"),
        (TEXT.encode(), {"output": TensorSpec(shape=(50,))}, "the brief says 50 outputs, but story.txt has 64x"),
        (TEXT.encode(), {"group": "speaker"}, "has no column 'speaker'"),
    ],
)
def test_what_is_wrong_is_said(load: Load, path: Path, content: bytes, fields: Any, fault: str) -> None:
    path.write_bytes(content)
    with pytest.raises(DataError, match=fault):
        load(path, **fields)


def test_networks_and_texts_that_do_not_go_together_are_refused(load: Load, path: Path) -> None:
    with pytest.raises(DataError, match=r"the network reads image inputs, and story.txt is a text"):
        load_inputs(str(path), load("digits").preprocessing)
    with pytest.raises(DataError, match="the network reads text inputs, not ndarray"):
        load_inputs("digits", load(path).preprocessing)
    with pytest.raises(DataError, match="language modelling needs a text"):
        load("digits", task="language_modelling")
