import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from neuromosaic.core.brief import Brief, TensorSpec
from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data import Dataset, load_dataset, load_inputs

Load = Callable[..., Dataset]
Write = Callable[..., Path]


def numbers(rows: int = 40, extra: str = "") -> str:
    lines = [f"{row},{row * 0.5},{row % 2}{extra}" for row in range(rows)]
    return "\n".join(["a,b,target" + (",c" if extra else ""), *lines])


def test_numbers_are_scaled_and_texts_one_hot(load: Load, csv: Write, people: str) -> None:
    data = load(csv(people), target="label")
    assert data.summary.columns[:4] == ("age", "town=Bonn", "town=Oslo", "town=Rome")
    assert set(np.unique(data.train.x[:, 1:4])) == {0, 1}
    assert (data.train.x[:, 1:4].sum(axis=1) == 1).all()
    assert data.preprocessing.classes == ("no", "yes")


def test_parquet_holds_the_same_as_csv(load: Load, csv: Write, people: str) -> None:
    path = csv(people)
    pd.read_csv(path).to_parquet(path.with_suffix(".parquet"))
    one, other = load(path, target="label"), load(path.with_suffix(".parquet"), target="label")
    assert one.hash == other.hash
    assert np.array_equal(one.train.x, other.train.x)
    assert np.array_equal(one.open_test().y, other.open_test().y)


def test_nullable_and_boolean_columns_are_numbers(load: Load, tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": pd.array(range(20), dtype="Int64"), "b": [True, False] * 10})
    frame["target"] = pd.array([0, 1] * 10, dtype="Int64")
    frame.to_parquet(tmp_path / "t.parquet")
    data = load(tmp_path / "t.parquet")
    assert data.summary.columns == ("a", "b")
    assert data.preprocessing.classes == (0, 1)
    frame.loc[3, "a"] = pd.NA
    frame.to_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"'a' \(1\)"):
        load(tmp_path / "t.parquet")


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators_are_recognised(load: Load, csv: Write, separator: str) -> None:
    assert load(csv(numbers().replace(",", separator))).summary.columns == ("a", "b")


def test_the_usual_target_column_is_taken_and_that_is_said(load: Load, csv: Write) -> None:
    data = load(csv(numbers()))
    assert "the target is the column 'target', since no --target was given" in data.notes
    assert data.preprocessing.targets.columns == ("target",)  # type: ignore[union-attr]


def test_several_targets_are_a_regression(load: Load, csv: Write) -> None:
    data = load(csv(numbers()), target="b, target")
    assert data.contract.task == "regression"
    assert data.train.y.shape[1:] == (2,)
    values = data.preprocessing.labels(data.train.y)
    assert values[0] == pytest.approx([values[0][0], round(values[0][1])], abs=1e-5)


@pytest.mark.parametrize(
    ("name", "kept"), [("id", False), ("customer_id", False), ("orderID", False), ("width", True)]
)
def test_numbers_that_only_name_a_row_are_no_input(load: Load, csv: Write, name: str, kept: bool) -> None:
    rows = [f"{1000 + row},{row % 7},{'ab'[row % 2]}" for row in range(60)]
    data = load(csv("\n".join([f"{name},size,label", *rows])))
    assert (name in data.summary.columns) is kept
    assert (f"the column {name!r} is no input" in data.notes) is not kept


def test_a_number_of_something_that_comes_back_is_an_input(load: Load, csv: Write) -> None:
    rows = [f"{row % 5},{row % 7},{'ab'[row % 2]}" for row in range(60)]
    assert "shop_id" in load(csv("\n".join(["shop_id,size,label", *rows]))).summary.columns


def test_row_numbers_are_no_input(load: Load, csv: Write, tmp_path: Path) -> None:
    path = csv(numbers())
    pd.read_csv(path).to_csv(path)
    data = load(path)
    assert data.summary.columns == ("a", "b")
    assert "the column 'Unnamed: 0' is no input" in data.notes


def test_groups_stay_together_and_are_no_input(load: Load, csv: Write, people: str) -> None:
    data = load(csv(people), target="label", group="clinic")
    assert not any("clinic" in column for column in data.summary.columns)
    scaling = data.preprocessing.inputs.scaling  # type: ignore[union-attr]
    clinics = [
        {(round(float(age) * scaling.std[0] + scaling.mean[0]) - 20) % 8 for age in split.x[:, 0]}
        for split in (data.train, data.validation, data.open_test())
    ]
    assert set().union(*clinics) == set(range(8))
    assert sum(map(len, clinics)) == 8


def test_the_latest_are_test_and_their_dates_no_input(load: Load, csv: Write) -> None:
    rows = [f"{row},{row % 2},2021-{1 + row // 28:02d}-{1 + row % 28:02d}" for row in range(60)]
    data = load(csv("\n".join(["a,y,day", *reversed(rows)])), time="day")
    assert data.train.x.max() < data.validation.x.min() <= data.validation.x.max() < data.open_test().x.min()
    assert data.summary.columns == ("a",)
    assert "validation and test are the latest examples" in data.notes


@pytest.mark.parametrize(
    ("text", "fields", "fault"),
    [
        (numbers(), {"target": "tarjet"}, r"has no column 'tarjet' \(did you mean 'target'\?\): it has 'a', 'b'"),
        (numbers(), {"group": "clinic"}, "has no column 'clinic'"),
        (numbers().replace("target", "outcome"), {}, "say which column of table.csv to predict with --target"),
        (numbers().replace("\n3,1.5", "\n3,").replace("\n4,2.0", "\n,"), {}, r"\(rows\): 'a' \(1\), 'b' \(2\)"),
        (numbers().replace("\n3,1.5,1", "\n3,1.5,"), {}, "target 'target' of table.csv is missing in 1 rows"),
        (numbers(extra=",").replace(",\n", ",p\n", 2), {"group": "c"}, "group column 'c' of table.csv is empty"),
        (numbers(extra=",x"), {"time": "c"}, "time column 'c' of table.csv holds no dates or numbers"),
        (
            numbers(extra=",2020-01-01").replace(",2020-01-01", ",", 1),
            {"time": "c"},
            "'c' of table.csv is empty in 1",
        ),
        (numbers(), {"group": "target"}, "'target' cannot be what is predicted and decide the splits"),
        (numbers(), {"target": "a,b,target"}, "no column besides the target"),
        (numbers(extra=",x"), {"target": "a,c"}, "targets 'a', 'c' of table.csv are not all numbers"),
        (numbers(extra=",x"), {"target": "c", "task": "regression"}, "are texts such as 'x'"),
        ("a,target\n", {}, "holds no rows"),
        ("", {}, "cannot be read as a table"),
        ('a,b\n1,2\n1,2,3,4\n"', {}, "cannot be read as a table"),
    ],
)
def test_what_is_wrong_is_said(load: Load, csv: Write, text: str, fields: Any, fault: str) -> None:
    with pytest.raises(DataError, match=fault):
        load(csv(text), **fields)


def test_a_damaged_parquet_or_another_encoding_is_named(load: Load, tmp_path: Path) -> None:
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(DataError, match=r"bad.parquet cannot be read as a table"):
        load(tmp_path / "bad.parquet")
    (tmp_path / "latin.csv").write_bytes(b"a,target\n\xe9,1\n")
    with pytest.raises(DataError, match=r"latin.csv cannot be read as a table"):
        load(tmp_path / "latin.csv")


@pytest.mark.parametrize("module", ["pandas", "pyarrow"])
def test_without_pandas_the_extra_is_named(
    load: Load, csv: Write, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    path = csv(numbers(), "table.csv" if module == "pandas" else "table.parquet")
    if module == "pandas":
        monkeypatch.setitem(sys.modules, "pandas", None)
    else:
        monkeypatch.setattr(pd, "read_parquet", _no_pyarrow)
    with pytest.raises(DataError, match=rf"needs {module}: pip install neuromosaic\[tables\]"):
        load(path)


def _no_pyarrow(path: Path) -> None:
    raise ImportError("Unable to find a usable engine")


def test_texts_that_hardly_repeat_are_cut_to_the_frequent_ones(load: Load, csv: Write) -> None:
    rows = [f"{row},{'often' if row % 2 else f'name{row}'},{row % 2},id{row}" for row in range(300)]
    data = load(csv("\n".join(["a,word,target,key", *rows])))
    assert data.summary.columns == ("a", "word=often")
    assert any("'word' has" in note and "the 1 most frequent are told apart" in note for note in data.notes)
    assert any("'key' has" in note and "it was left out" in note for note in data.notes)


def test_a_table_of_names_alone_has_no_input(load: Load, csv: Write) -> None:
    with pytest.raises(DataError, match="no column can serve as an input"):
        load(csv("\n".join(["key,target", *(f"id{row},{row % 2}" for row in range(200))])))


def test_the_brief_may_count_columns_before_one_hot_coding(load: Load, csv: Write, people: str) -> None:
    fields = {"target": "label", "group": "clinic"}
    assert load(csv(people), input=TensorSpec(shape=(3,)), **fields).contract.input.shape[0] > 3
    with pytest.raises(DataError, match=r"the brief says inputs of 7, but table.csv has inputs of"):
        load(csv(people), input=TensorSpec(shape=(7,)), **fields)


# ---------------------------------------------------------------- new tables for a delivered network


@pytest.fixture
def delivered(csv: Write, people: str) -> Dataset:
    path = csv(people, "old.csv")
    return load_dataset(Brief(data=str(path), target="label", group="clinic"))


def test_new_tables_may_come_without_target_and_in_another_order(delivered: Dataset, csv: Write, people: str) -> None:
    known = delivered.preprocessing
    frame = pd.read_csv(csv(people))
    with_labels, y = load_inputs(str(csv(people)), known)
    path = csv("", "other.csv")
    frame[["day", "age", "town"]].to_csv(path, index=False)
    without, none = load_inputs(str(path), known)
    assert np.array_equal(with_labels, without)
    assert y is not None
    assert y.shape == (40,)
    assert none is None


def test_unknown_and_missing_texts_are_zeros(delivered: Dataset, csv: Write) -> None:
    path = csv("age,town,day\n30,Paris,2020-01-01\n31,,2020-01-01\n32,Oslo,2020-01-01", "new.csv")
    x, _ = load_inputs(str(path), delivered.preprocessing)
    assert x[:, 1:4].tolist() == [[0, 0, 0], [0, 0, 0], [0, 1, 0]]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("age,day\n1,2020-01-01", "new.csv lacks the columns 'town'"),
        ("age,town,day,height\n1,Oslo,2020-01-01,2", "has the columns 'height', which the network does not know"),
        ("age,town,day\nold,Oslo,2020-01-01", "the column 'age' of new.csv must hold numbers, as in training"),
        ("age,town,day\n,Oslo,2020-01-01", r"'age' \(1\)"),
        ("age,town,day,label\n1,Oslo,2020-01-01,maybe", "labels 'maybe' are not among the classes"),
    ],
)
def test_wrong_columns_are_named(delivered: Dataset, csv: Write, text: str, fault: str) -> None:
    with pytest.raises(DataError, match=fault):
        load_inputs(str(csv(text, "new.csv")), delivered.preprocessing)


def test_a_network_of_another_kind_refuses_tables(load: Load, csv: Write, delivered: Dataset) -> None:
    with pytest.raises(DataError, match=r"table, which is not what the network was trained on"):
        load_inputs(str(csv(numbers())), load("digits").preprocessing)
    with pytest.raises(DataError, match="the network reads the columns 'age', 'town', 'day', not an array of 5"):
        delivered.preprocessing.apply(np.zeros((3, 5)))
    with pytest.raises(DataError, match=r"needs the columns 'age', which these data lack"):
        load_inputs("iris", delivered.preprocessing)


def test_a_table_without_names_for_its_targets_is_read_by_its_columns(load: Load, csv: Write) -> None:
    known = load("iris").preprocessing
    header = ",".join(known.inputs.columns)  # type: ignore[union-attr]
    x, y = load_inputs(str(csv(header + "\n5,3,1,0.2")), known)
    assert x.shape == (1, 4)
    assert y is None


def test_retraining_keeps_columns_scales_and_classes(delivered: Dataset, csv: Write, people: str) -> None:
    changed = people.replace("Oslo", "Paris").replace("\n2", "\n7")
    again = load_dataset(Brief(data=str(csv(changed)), group="clinic"), delivered.preprocessing)
    assert again.preprocessing == delivered.preprocessing
    assert again.contract == delivered.contract
    assert again.hash != delivered.hash
