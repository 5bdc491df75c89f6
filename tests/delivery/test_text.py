from typing import Any

import pytest

from neuromosaic.core.results import Results
from neuromosaic.delivery.contents import Delivery
from neuromosaic.delivery.text import comparisons, entries, headline, measure, primary, rows, verdict_lines


def test_the_table_has_the_winner_first_and_every_baseline(digits: Delivery) -> None:
    headers, body = rows(digits.results)
    assert headers == [
        "candidate",
        "designed by",
        "test accuracy",
        "parameters",
        "latency",
        "memory",
        "meets the brief?",
    ]
    assert [row[0] for row in body] == [
        "r0s0-4c1d2e (winner)", "r0s1-77ab01", "r0s3-000003 (baseline)", "majority (baseline)", "linear (baseline)"
    ]  # fmt: skip
    winner = body[0]
    assert winner[2].startswith("0.9851 (0.96")
    assert winner[3:] == ["14,218", "0.34 ms", "0.31 MB", "yes"]
    assert all(len(row) == len(headers) for row in body)


def test_who_misses_what_is_said(missed: Delivery) -> None:
    _, body = rows(missed.results)
    assert body[0][0].endswith("(nearest)")
    assert body[0][-1] == "no: parameters, latency, auroc"
    assert body[1][-1] == "no: latency, auroc"


def test_the_verdict_names_every_limit_and_baseline(digits: Delivery) -> None:
    lines = verdict_lines(digits.results)
    assert lines[0].startswith("r0s0-4c1d2e meets the brief: test accuracy 0.9851")
    assert "met: 14,218 parameters, limit 20,000" in lines
    assert "It beats the baseline majority (test accuracy 0.1000)." in lines
    assert any("random search" in line and "within the uncertainty" in line for line in lines)


def test_what_was_missed_is_said_with_how_much(missed: Delivery) -> None:
    lines = verdict_lines(missed.results)
    assert lines[0].startswith("No candidate met the brief; r0s0-4c1d2e came nearest")
    assert "MISSED: 14,218 parameters, limit 5,000: 2.8 times too many" in lines
    assert "MISSED: auroc: at least 0.9 wanted, never measured" in lines


@pytest.mark.parametrize(("ours", "outcome"), [(0.95, "beats"), (0.9, "equals"), (0.5, "does not beat")])
def test_a_baseline_is_beaten_equalled_or_not(digits: Delivery, ours: float, outcome: str) -> None:
    results = _with_accuracy(digits.results, ours, {"linear": {"test_accuracy": 0.9}})
    assert [comparison.outcome for comparison in comparisons(results)] == [outcome]


def test_less_is_better_for_errors(regression: Delivery) -> None:
    assert {found.baseline: found.outcome for found in comparisons(regression.results)} == {
        "mean": "beats", "linear": "beats"
    }  # fmt: skip


def test_a_baseline_without_the_metric_is_not_compared(digits: Delivery) -> None:
    assert not comparisons(_with_accuracy(digits.results, 0.9, {"linear": {"val_accuracy": 0.9}}))


def _with_accuracy(results: Results, value: float, baselines: dict[str, Any]) -> Results:
    assert results.winner is not None
    winner = results.winner.model_copy(update={"metrics": {"test_accuracy": value}, "intervals": {}})
    return results.model_copy(update={"winner": winner, "baselines": baselines})


def test_without_a_named_metric_the_first_one_counts(digits: Delivery) -> None:
    assert primary(digits.results.model_copy(update={"metric": ""})) == "accuracy"


def test_a_run_without_any_network_still_has_words(digits: Delivery) -> None:
    empty = digits.results.model_copy(update={"winner": None, "pareto": [], "baselines": {}, "metric": ""})
    assert headline(empty) == "The run ended without a certified network."
    assert verdict_lines(empty)[0] == headline(empty)
    assert rows(empty)[1] == []
    assert primary(empty) == "loss"


def test_a_stopped_run_says_so(digits: Delivery) -> None:
    assert headline(digits.results.model_copy(update={"status": "stopped"})).startswith("Stopped early. ")


def test_without_limits_nothing_is_met(language: Delivery) -> None:
    assert "the brief sets no limits" in headline(language.results)
    assert rows(language.results)[1][0][-1] == "no limits given"


def test_the_same_network_found_twice_is_listed_once_per_part(digits: Delivery) -> None:
    winner = digits.results.winner
    assert winner is not None
    twice = digits.results.model_copy(update={"baselines": {"random_search": winner.model_dump(mode="json")}})
    assert [entry.part for entry in entries(twice)] == ["winner", "Pareto set", "random search"]
    assert "equals the baseline random search" in verdict_lines(twice)[4]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.98, "0.9800"),
        (1.0, "1.000"),
        (54321.4, "54,321"),
        (None, "-"),
        (float("nan"), "-"),
        (float("inf"), "infinite"),
    ],
)
def test_metrics_have_four_digits(value: float | None, said: str) -> None:
    assert measure(value) == said
