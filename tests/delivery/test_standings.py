import math

from neuromosaic.delivery.contents import Delivery
from neuromosaic.delivery.plots.pareto import PARAMETERS, metric_against
from neuromosaic.delivery.standings import standings


def test_all_stand_on_one_scale(digits: Delivery) -> None:
    found = standings(digits.results)
    assert [row.part for row in found.rows] == ["winner", "Pareto set", "random search", "baseline", "baseline"]
    for row in found.rows[:3]:
        assert row.strip.low is not None
        assert row.strip.at is not None
        assert row.strip.high is not None
        assert 0 < row.strip.low < row.strip.at < row.strip.high < 100
    majority, linear = (row.strip for row in found.rows[3:])
    assert (majority.at, majority.side) == (None, "left")
    assert linear.at is not None
    assert found.bound is not None
    assert 0 < found.bound < linear.at  # 0.9 is wanted


def test_every_figure_has_its_evidence(digits: Delivery) -> None:
    winner = standings(digits.results).rows[0]
    assert all(cell.evidence for cell in (winner.metric, winner.figures[0], winner.figures[2], winner.figures[3]))
    assert [cell.value for cell in winner.figures] == ["14,218", "28.44k", "0.34 ms", "0.31 MB"]


def test_a_figure_that_nobody_measured_is_left_open(digits: Delivery) -> None:
    found = standings(digits.results.model_copy(update={"metric": "auroc"}))
    assert found.rows[0].metric.value == "-"
    assert found.rows[0].strip == (None, None, None, "")


def test_a_figure_without_end_breaks_nothing(digits: Delivery) -> None:
    winner = digits.results.winner
    assert winner is not None
    update = {"metrics": {"test_accuracy": math.inf}, "intervals": {"test_accuracy": (0.5, math.inf)}}
    results = digits.results.model_copy(update={"winner": winner.model_copy(update=update)})
    first, second, *_ = standings(results).rows
    assert (first.metric.value, first.strip.side) == ("infinite", "right")
    assert second.strip.at is not None
    assert winner.name not in metric_against(results, PARAMETERS, "size")


def test_larger_errors_lie_further_right(regression: Delivery) -> None:
    winner, mean, linear = (row.strip.at for row in standings(regression.results).rows)
    assert winner is not None
    assert linear is not None
    assert mean is not None
    assert winner < linear < mean
