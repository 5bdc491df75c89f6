"""The median rule stops what is worse than most, and never too early."""

from neuromosaic.core.search.pruners import MedianRule

HISTORY = {f"t{number}": [{"loss": number + 4.0 - step} for step in range(4)] for number in range(5)}


def test_a_trial_above_the_median_is_stopped() -> None:
    assert MedianRule(grace=3).should_stop("new", 3, {"loss": 9.0}, HISTORY)


def test_a_trial_below_the_median_goes_on() -> None:
    assert not MedianRule(grace=3).should_stop("new", 3, {"loss": 2.0}, HISTORY)


def test_nothing_is_stopped_within_the_grace_or_with_few_rivals() -> None:
    assert not MedianRule(grace=3).should_stop("new", 2, {"loss": 99.0}, HISTORY)
    assert not MedianRule(grace=1, least=6).should_stop("new", 3, {"loss": 99.0}, HISTORY)


def test_shorter_trials_do_not_count_as_rivals() -> None:
    assert not MedianRule(grace=1, least=1).should_stop("new", 5, {"loss": 99.0}, HISTORY)
