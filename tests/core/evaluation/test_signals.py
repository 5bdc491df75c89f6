import doctest
import math

import numpy as np
import pytest
from scipy import stats

from neuromosaic.core.errors import UsageError
from neuromosaic.core.evaluation import signals as module
from neuromosaic.core.evaluation.learners import LEARNERS, Gaussian
from neuromosaic.core.evaluation.signals import SignalEnsemble, mean_rank, spearman, worth
from neuromosaic.core.search.gaussian_process import GaussianProcess

DRAW = np.random.default_rng(0)
TRUTH = DRAW.normal(size=60)
TRIALS = [
    {"good": value + 0.3 * noise, "turned": -(value**3) + 0.3 * other, "noise": nothing}
    for value, noise, other, nothing in zip(TRUTH, *DRAW.normal(size=(3, 60)), strict=True)
]


def test_the_examples_of_the_docstrings() -> None:
    assert doctest.testmod(module).failed == 0


def test_spearman_is_scipys_with_ties() -> None:
    one, other = DRAW.integers(5, size=40).tolist(), DRAW.integers(5, size=40).tolist()
    assert spearman(one, other) == pytest.approx(stats.spearmanr(one, other).statistic)
    assert math.isnan(spearman([1, 1, 1], [1, 2, 3]))


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(400):
        draw = np.random.default_rng(seed)
        one = draw.normal(size=30)
        found = worth(one.tolist(), (one + draw.normal(size=30)).tolist())
        covered += found.low <= 0.6895 <= found.high  # Spearman of a normal pair with correlation sqrt(1/2)
    assert 0.92 <= covered / 400 <= 0.98


def test_a_few_trials_or_a_constant_say_nothing() -> None:
    assert not worth([1, 2, 3], [1, 2, 3]).used
    assert not worth([1.0] * 20, list(range(20))).used
    assert worth([], []).trials == 0


def test_noise_is_dropped_and_a_turned_signal_is_used() -> None:
    ensemble = SignalEnsemble(TRIALS[:30], TRUTH[:30].tolist())
    assert ensemble.used == ["good", "turned"]
    assert ensemble.worth["turned"].high < 0
    assert ensemble.own.low > 0.5


@pytest.mark.parametrize("learner", list(LEARNERS))
def test_candidates_never_measured_are_ranked_and_the_deviation_is_honest(learner: str) -> None:
    predicted = SignalEnsemble(TRIALS[:30], TRUTH[:30].tolist(), (learner,)).predict(TRIALS[30:])
    assert spearman(predicted.mean.tolist(), TRUTH[30:].tolist()) > 0.85
    assert 0.75 <= np.mean(np.abs(predicted.mean - TRUTH[30:]) <= 2 * predicted.deviation) <= 1


def test_the_same_trials_give_the_same_fit_and_a_missing_signal_a_prediction() -> None:
    one, other = (SignalEnsemble(TRIALS[:30], TRUTH[:30].tolist()) for _ in range(2))
    assert one.predict(TRIALS).mean.tolist() == other.predict(TRIALS).mean.tolist()
    assert np.isfinite(one.predict([{}, {"good": math.nan}]).mean).all()


def test_without_a_signal_that_is_worth_anything_it_says_the_mean() -> None:
    silent = SignalEnsemble([{"noise": one["noise"]} for one in TRIALS[:30]], TRUTH[:30].tolist())
    assert silent.used == []
    assert silent.predict(TRIALS[:2]).mean == pytest.approx(TRUTH[:30].mean())
    assert silent.predict(TRIALS[:2]).deviation == pytest.approx(TRUTH[:30].std())


def test_the_learner_that_told_unseen_trials_better_is_taken() -> None:
    both = SignalEnsemble(TRIALS[:30], TRUTH[:30].tolist(), tuple(LEARNERS))
    alone = {name: SignalEnsemble(TRIALS[:30], TRUTH[:30].tolist(), (name,)).own.correlation for name in LEARNERS}
    assert both.own.correlation == max(alone.values()) == alone[both.learner]


def test_what_a_process_says_of_a_trial_left_out_is_what_it_says_without_it() -> None:
    features, measured = DRAW.uniform(size=(12, 2)), TRUTH[:12]
    whole = Gaussian(features, measured)
    process = whole._process
    targets = (measured - measured.mean()) / measured.std()
    kept = np.arange(12) != 4
    without = GaussianProcess(whole._kernel, whole._coded(features[kept]), targets[kept], process.at)
    expected = without.predict(whole._coded(features[4:5])).mean[0]
    assert whole.unseen[4] == pytest.approx(measured.mean() + measured.std() * expected)


def test_what_is_no_pair_is_refused() -> None:
    with pytest.raises(UsageError, match="one finite value"):
        SignalEnsemble(TRIALS[:3], [1.0])
    with pytest.raises(UsageError, match="one finite value"):
        SignalEnsemble(TRIALS[:1], [math.nan])


def test_the_mean_rank_needs_no_trial() -> None:
    assert mean_rank([{"a": 1, "b": 5}, {"a": 2}, {"a": 3, "b": 9}], ["a", "b"]).tolist() == [1.25, 1.75, 3.0]
