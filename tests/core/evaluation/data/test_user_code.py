import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data import Dataset

Load = Callable[..., Dataset]

MODULE = """
import numpy as np
from neuromosaic.core.errors import DataError

def pair():
    return np.arange(60.0).reshape(30, 2), ["a", "b", "c"] * 10

def named():
    x = np.ones((30, 4, 3))
    return {"x_train": x, "y_train": np.arange(30) / 7, "x_test": x[:5], "y_test": [0.5] * 5}

def text():
    return "to be or not to be " * 100

def half():
    return "\\ud800" * 2000

def broken():
    raise KeyError("no such file")

def refusing():
    raise DataError("log in first")

def ragged():
    return [[1, 2], [3]], [0, 1]

def objects():
    return np.ones((4, 2)), np.array([{}, {}, {}, {}], dtype=object)

def nothing():
    return None

number = 3
"""


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`my_data` in the working directory."""
    (tmp_path / "my_data.py").write_text(MODULE)
    (tmp_path / "bad_data.py").write_text("1 / 0")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "my_data", raising=False)


def test_a_pair_is_x_and_y(load: Load) -> None:
    data = load("my_data:pair")
    assert data.preprocessing.classes == ("a", "b", "c")
    assert data.name == "my_data:pair"


def test_a_dict_is_named_arrays(load: Load) -> None:
    data = load("my_data:named")
    assert data.contract.kind == "sequence"
    assert data.contract.input.shape == (4, 3)
    assert np.allclose(data.preprocessing.unscale_targets(data.open_test().y), 0.5)


def test_a_string_is_a_text(load: Load) -> None:
    assert load("my_data:text").contract.kind == "text"


@pytest.mark.parametrize(
    ("reference", "fault"),
    [
        ("my_data:pears", r"my_data has no function 'pears' \(did you mean 'pair'\?\)"),
        ("my_data:number", "my_data has no function 'number'"),
        ("other_data:load", "other_data cannot be imported: ModuleNotFoundError"),
        ("bad_data:load", "bad_data cannot be imported: ZeroDivisionError"),
        ("my_data:broken", "my_data:broken failed: KeyError: 'no such file'"),
        ("my_data:refusing", "^log in first$"),
        ("my_data:nothing", r"returned NoneType: return \(x, y\)"),
        ("my_data:ragged", "'x' that my_data:ragged returned is no array"),
        ("my_data:objects", r"holds Python objects \(dict\)"),
        ("my_data:half", "holds half a character"),
    ],
)
def test_what_is_wrong_is_said(load: Load, reference: str, fault: str) -> None:
    with pytest.raises(DataError, match=fault):
        load(reference)


def test_the_search_path_is_left_as_it_was(load: Load) -> None:
    before = list(sys.path)
    load("my_data:pair")
    assert sys.path == before
