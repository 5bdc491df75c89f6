"""A series to be forecast: windows of its past, never a value of the future."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuromosaic.core.brief import TensorSpec
from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.baselines import fit_baseline
from neuromosaic.core.evaluation.data import Dataset, Preprocessing, describe, load_dataset, load_inputs
from neuromosaic.core.evaluation.intervals import interval
from neuromosaic.core.evaluation.metrics import score

Load = Callable[..., Dataset]
Npz = Callable[..., Path]
STEPS = np.arange(200)
WAVE = 10 + np.sin(2 * np.pi * STEPS / 7)
ASKED: dict[str, Any] = {
    "task": "forecasting", "input": TensorSpec(shape=(14,)), "output": TensorSpec(shape=(3,)),
}  # fmt: skip


@pytest.fixture
def table(csv: Callable[..., Path]) -> Path:
    """Days in no order, the price to be forecast and a temperature."""
    rows = [f"2024-{1 + s // 28:02d}-{1 + s % 28:02d},{WAVE[s]:.6f},{s}" for s in STEPS]
    shuffled = np.random.default_rng(0).permutation(rows)
    return csv("\n".join(["day,price,temperature", *shuffled]))


def in_units(dataset: Dataset, y: Any) -> Any:
    return dataset.preprocessing.unscale_targets(y)


def test_windows_and_what_follows_them_come_from_the_order_of_time(load: Load, table: Path) -> None:
    dataset = load(table, target="price", time="day", **ASKED)
    assert dataset.contract.input.shape == (14, 2)
    assert dataset.contract.output.shape == (3,)
    assert len(dataset.train) == 140 - 14 - 3 + 1
    assert in_units(dataset, dataset.train.y)[0] == pytest.approx(WAVE[14:17], abs=1e-4)
    assert any("task: forecasting of the next 3 from the last 14 steps" in note for note in dataset.notes)


def test_no_value_is_scored_twice_and_none_of_the_test_is_seen_before(load: Load, npz: Npz) -> None:
    dataset = load(npz(series=STEPS.astype(float)), **ASKED)
    parts = [in_units(dataset, part.y).round().astype(int) for part in (dataset.train, dataset.validation)]
    test = in_units(dataset, dataset.open_test().y).round().astype(int)
    assert parts[0].max() < 140 <= parts[1].min() <= parts[1].max() < 170 <= test.min()
    for scored in (parts[1], test):
        assert len(np.unique(scored)) == scored.size


def test_a_series_alone_is_forecast_from_its_own_past(load: Load, npz: Npz, csv: Callable[..., Path]) -> None:
    assert load(npz(series=WAVE)).contract.task == "forecasting"
    rows = "\n".join(["price", *map(str, WAVE)])
    assert load(csv(rows), target="price", **ASKED).contract.input.shape == (14, 1)


def test_the_delivered_preprocessing_reads_the_latest_window(load: Load, table: Path, npz: Npz) -> None:
    dataset = load(table, target="price", time="day", **ASKED)
    known = Preprocessing.model_validate_json(dataset.preprocessing.model_dump_json())
    x, y = load_inputs(str(table), known)
    assert y is None
    assert x.shape == (1, 14, 2)
    last = np.array([WAVE[-1], 199])
    scaling = known.inputs.scaling  # type: ignore[union-attr]
    assert x[0, -1] == pytest.approx((last - scaling.mean) / scaling.std, abs=1e-4)
    again = load_dataset(brief_of(table), known)
    assert (again.train.x == dataset.train.x).all()
    assert len(known.labels(np.zeros((1, 3)))[0]) == 3
    with pytest.raises(DataError, match=r"looks back 14 steps, but data.npz has 5"):
        load_inputs(str(npz(series=np.ones((5, 2)))), known)


def brief_of(table: Path) -> Any:
    from neuromosaic.core.brief import Brief

    return Brief(data=str(table), target="price")


def test_the_simple_baselines_are_the_last_value_and_the_last_season(load: Load, npz: Npz) -> None:
    dataset = load(npz(series=WAVE), **ASKED)
    found = fit_baseline(dataset.contract, dataset.train.x, dataset.train.y, seed=0)
    test, naive = dataset.open_test(), dataset.preprocessing.naive_error
    figures = {
        name: score(
            "forecasting", in_units(dataset, predict(test.x)), in_units(dataset, test.y), ["mae", "mase"], naive
        )
        for name, predict in found.items()
    }
    assert figures["seasonal_naive"]["mae"] < 1e-5 < figures["last_value"]["mae"]
    assert naive == pytest.approx(np.abs(np.diff(WAVE[:140])).mean())
    assert figures["last_value"]["mase"] == pytest.approx(figures["last_value"]["mae"] / naive)
    outputs, truth = in_units(dataset, found["last_value"](test.x)), in_units(dataset, test.y)
    low, high = interval("forecasting", "mase", outputs, truth, naive_error=naive)
    assert low < figures["last_value"]["mase"] < high


@pytest.mark.parametrize(
    ("arrays", "fields", "said"),
    [
        ({"series": np.full(200, 3.0)}, {}, "is 3 throughout: there is nothing to forecast"),
        ({"series": WAVE[:30]}, ASKED, "has 30 steps, too few for windows of 14 and a horizon of 3"),
        ({"series": np.where(STEPS == 5, np.nan, WAVE)}, {}, "must be finite numbers"),
        ({"series": WAVE.reshape(2, 10, 10)}, {}, "must be finite numbers"),
        ({"x": np.ones((20, 5, 2)), "y": np.ones(20)}, ASKED, r"forecasting needs one series"),
        ({"x": np.ones((20, 2)), "y": np.ones((20, 3))}, ASKED, "forecasting needs one series of numbers"),
        ({"series": WAVE}, {**ASKED, "task": "regression"}, "the brief asks for regression"),
    ],
)
def test_what_is_no_series_is_refused(load: Load, npz: Npz, arrays: Any, fields: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        load(npz(**arrays), **fields)


def test_texts_are_no_part_of_a_series(load: Load, csv: Callable[..., Path]) -> None:
    rows = "\n".join(["price,place", *(f"{value},town{s % 3}" for s, value in enumerate(WAVE))])
    with pytest.raises(DataError, match="has the text column 'place'"):
        load(csv(rows), target="price", **ASKED)


def test_what_is_understood_can_be_shown(load: Load, npz: Npz) -> None:
    shown = describe(load(npz(series=WAVE), **ASKED))
    assert (shown["task"], shown["kind"]) == ("forecasting", "sequence")
