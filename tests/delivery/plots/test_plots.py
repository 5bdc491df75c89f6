import re
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromosaic.core.brief import Constraints
from neuromosaic.delivery.contents import Delivery
from neuromosaic.delivery.history import Trial
from neuromosaic.delivery.plots.drawing import POINTS, Canvas, color, thinned
from neuromosaic.delivery.plots.learning import kept_epoch, loss_curve, metric_curves
from neuromosaic.delivery.plots.mistakes import (
    bits_by_character,
    calibration,
    confusion,
    confusion_matrix,
    most_confused,
    residuals,
    visible,
)
from neuromosaic.delivery.plots.pareto import LATENCY, PARAMETERS, metric_against


def texts(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


# ---------------------------------------------------------------- drawing


@given(st.lists(st.integers(), max_size=5 * POINTS))
def test_thinning_keeps_the_ends_and_the_order(values: Sequence[int]) -> None:
    kept = thinned(values)
    assert len(kept) <= POINTS + 1
    assert kept[:1] == list(values[:1])
    assert kept[-1:] == list(values[-1:])
    places = iter(values)
    assert all(value in places for value in kept)


def test_a_plot_scales_is_named_and_keeps_its_labels() -> None:
    canvas = Canvas("name", 'a "label" <x>', 100, 80)
    with canvas as (axes,):
        axes.plot([0, 1], [0.00012, 0.00034], color=color("one"))
        axes.set_title("exactly 0.123456 & <b>")
    assert canvas.svg.startswith('<svg viewBox="0 0 100 80" role="img" aria-label="a &quot;label&quot; &lt;x&gt;">')
    assert "exactly 0.123456 &amp; &lt;b&gt;" in canvas.svg
    assert "stroke: var(--one)" in canvas.svg
    assert "0.0002" in "".join(texts(canvas.svg))
    assert all(name.startswith("name-") for name in re.findall(r' id="([^"]*)"', canvas.svg))


def test_a_fault_while_drawing_is_not_hidden_and_leaves_no_style_behind() -> None:
    import matplotlib

    before = matplotlib.rcParams["svg.fonttype"]
    canvas = Canvas("name", "label")
    with pytest.raises(ZeroDivisionError), canvas:
        _ = 1 / 0
    assert canvas.svg == ""
    assert matplotlib.rcParams["svg.fonttype"] == before


# ---------------------------------------------------------------- trade-offs


def test_candidates_limits_and_baselines_are_on_the_plot(digits: Delivery) -> None:
    said = texts(metric_against(digits.results, PARAMETERS, "size", digits.history.trials))
    assert {"winner", "Pareto set", "random search", "limit", "trial", "linear", "parameters"} <= set(said)
    assert "majority" not in said  # far below: it would flatten the rest
    assert "20k" in said


def test_a_wide_range_of_costs_gets_a_log_scale(digits: Delivery) -> None:
    assert digits.results.winner is not None
    large = digits.results.winner.model_copy(update={"id": "large", "parameters": 30_000_000})
    results = digits.results.model_copy(update={"pareto": [large]})
    assert {"100k", "1M", "10M"} <= set(texts(metric_against(results, PARAMETERS, "size")))


def test_a_small_range_of_latencies_is_said_in_plain_numbers(missed: Delivery) -> None:
    said = texts(metric_against(missed.results, LATENCY, "speed"))
    assert {"nearest", "0.2"} <= set(said)


def test_without_the_metric_there_is_no_plot(digits: Delivery) -> None:
    results = digits.results.model_copy(update={"metric": "auroc"})
    assert metric_against(results, PARAMETERS, "size") == ""


def test_odd_figures_can_be_drawn(digits: Delivery) -> None:
    """A candidate without parameters and latency, no interval, a trial that came to nothing."""
    assert digits.results.winner is not None
    still = digits.results.winner.latency_ms.model_copy(update={"p50": 0.0, "p95": 0.0})
    update = {"parameters": 0, "latency_ms": still, "intervals": {}, "metrics": {"test_accuracy": 0.0}}
    winner = digits.results.winner.model_copy(update=update)
    brief = digits.results.brief.model_copy(update={"constraints": Constraints(parameters=0)})
    results = digits.results.model_copy(update={"winner": winner, "pareto": [], "baselines": {}, "brief": brief})
    broken = Trial("t", "search", 5, float("nan"), 0.3)
    assert "winner" in texts(metric_against(results, PARAMETERS, "size", [broken]))
    assert "winner" in texts(metric_against(results, LATENCY, "speed"))


# ---------------------------------------------------------------- learning


def row(epoch: int, loss: float, accuracy: float) -> dict[str, float]:
    return {"epoch": epoch, "train_loss": loss, "loss": loss, "accuracy": accuracy}


def test_the_kept_epoch_is_the_one_whose_weights_were_kept() -> None:
    curve = [row(1, 0.9, 0.5), row(2, 0.4, 0.8), row(3, 0.3, 0.8), row(4, 0.2, 0.7)]
    assert kept_epoch(curve, "accuracy") == 3
    assert kept_epoch([{**one, "rmse": one["accuracy"]} for one in curve], "rmse") == 1
    assert kept_epoch([row(1, 0.9, float("nan"))], "accuracy") is None


def test_a_curve_that_diverged_or_has_one_epoch_is_drawn() -> None:
    assert "loss" in texts(loss_curve([row(1, float("inf"), float("nan"))], "loss", "accuracy"))
    assert "kept (epoch 1)" in texts(loss_curve([row(1, 0.5, 0.5)], "loss", "accuracy"))
    assert loss_curve([], "loss", "accuracy") == ""


def test_a_steep_loss_gets_a_log_scale() -> None:
    assert {"0.01", "1"} <= set(texts(loss_curve([row(1, 2.0, 0.1), row(2, 0.008, 0.9)], "loss", "accuracy")))


def test_curves_without_the_metric_are_left_out() -> None:
    assert metric_curves({"one": [{"epoch": 1, "loss": 0.1}]}, "metric", "accuracy") == ""
    said = texts(metric_curves({"one": [row(1, 0.1, 0.2)], "two": []}, "metric", "accuracy"))
    assert "one" in said
    assert "two" not in said


# ---------------------------------------------------------------- mistakes


def test_confusion_counts_every_example_once() -> None:
    outputs = np.eye(3, dtype=np.float32)[[0, 1, 1, 2, 0]]
    counts = confusion(outputs, np.array([0, 1, 2, 2, 1]), 3)
    assert counts.tolist() == [[1, 0, 0], [1, 1, 0], [0, 1, 1]]
    assert [tuple(pair) for pair in most_confused(counts, "abc")] == [("b", "a", 1, 0.5), ("c", "b", 1, 0.5)]


def test_cells_hold_counts_while_there_is_room() -> None:
    counts = np.full((3, 3), 1234)
    assert texts(confusion_matrix(counts, ["a", "b", "a very long class name"], "c")).count("1,234") == 9
    crowded = texts(confusion_matrix(np.full((20, 20), 1234), [f"class {n}" for n in range(20)], "c"))
    assert "1,234" not in crowded
    assert "class 19" in crowded


def test_calibration_is_measured() -> None:
    outputs = np.tile(np.log(np.array([[0.8, 0.2]])), (10, 1))
    _, perfect = calibration(outputs, np.array([0] * 8 + [1] * 2), "c")
    _, overconfident = calibration(outputs, np.array([0] * 3 + [1] * 7), "c")
    assert perfect == pytest.approx(0)
    assert overconfident == pytest.approx(0.5)


def test_residuals_that_are_all_the_same_can_be_drawn() -> None:
    assert "median" in texts(residuals(np.ones(5), np.ones(5), "r", "value"))


def test_characters_that_never_come_are_left_out() -> None:
    outputs = np.zeros((1, 4, 3), np.float32)
    said = texts(bits_by_character(outputs, np.array([[0, 0, 1, 1]]), "ab\n", "c"))
    assert "a" in said
    assert "new line" not in said


@pytest.mark.parametrize(("character", "label"), [(" ", "space"), ("\t", "tab"), ("a", "a"), ("\x07", "U+0007")])
def test_every_character_has_a_label(character: str, label: str) -> None:
    assert visible(character) == label
