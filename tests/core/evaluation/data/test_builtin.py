import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data import Dataset

Load = Callable[..., Dataset]


def test_digits_are_grey_images_of_ten_whole_number_classes(load: Load) -> None:
    digits = load("digits")
    assert digits.contract.kind == "image"
    assert digits.contract.input.shape == (1, 8, 8)
    assert digits.contract.output.shape == (10,)
    assert digits.preprocessing.classes == tuple(range(10))
    assert digits.train.x.dtype == np.float32
    assert digits.train.y.dtype == np.int64
    assert digits.train.x.flags.c_contiguous
    assert len(digits.train) + len(digits.validation) + len(digits.open_test()) == 1797


@pytest.mark.parametrize(("name", "features", "classes"), [("iris", 4, 3), ("wine", 13, 3), ("breast_cancer", 30, 2)])
def test_other_sets_are_tables_with_named_columns_and_classes(
    load: Load, name: str, features: int, classes: int
) -> None:
    data = load(name)
    assert data.contract.kind == "tabular"
    assert len(data.summary.columns) == data.contract.input.shape[0] == features
    assert len(data.summary.classes) == classes
    assert all(isinstance(label, str) and not label.isdigit() for label in data.preprocessing.classes)


def test_class_ids_keep_the_sets_own_order(load: Load) -> None:
    assert load("breast_cancer").preprocessing.classes == ("malignant", "benign")


def test_diabetes_is_a_regression_in_scaled_units(load: Load) -> None:
    diabetes = load("diabetes")
    assert diabetes.contract.task == "regression"
    assert diabetes.train.y.shape[1:] == (1,)
    assert abs(diabetes.train.y.mean()) < 1e-5
    values = diabetes.preprocessing.unscale_targets(diabetes.train.y)
    assert 25 <= values.min() < 40
    assert np.allclose(values, np.round(values), atol=1e-3)


def test_an_unknown_name_gets_a_suggestion(load: Load) -> None:
    with pytest.raises(DataError, match=r"no data at 'didgits' \(did you mean 'digits'\?\)"):
        load("didgits")


def test_columns_cannot_be_asked_of_a_set_that_has_none(load: Load) -> None:
    with pytest.raises(DataError, match="digits has no column 'patient'"):
        load("digits", group="patient")
    assert any("'digit' was not needed" in note for note in load("digits", target="digit").notes)


def test_a_regression_on_class_names_is_refused(load: Load) -> None:
    with pytest.raises(DataError, match="regression needs numbers, but the targets of iris are texts"):
        load("iris", task="regression")


def test_nothing_of_it_imports_torch() -> None:
    code = (
        "import sys; from neuromosaic.core.brief import Brief\n"
        "from neuromosaic.core.evaluation.data import load_dataset\n"
        "assert 'sklearn' not in sys.modules and 'pandas' not in sys.modules\n"
        "load_dataset(Brief(data='iris')); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
