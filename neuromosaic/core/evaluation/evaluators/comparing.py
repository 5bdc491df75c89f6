"""Two architectures trained on the same seeds and asked the same examples."""

from collections.abc import Sequence
from typing import Any

from neuromosaic.core.errors import UsageError
from neuromosaic.core.evaluation.comparison import Array, Estimate, difference, example_scores
from neuromosaic.core.evaluation.evaluators.trials import Subject, Trials, usable
from neuromosaic.core.evaluation.handing_over import predicted
from neuromosaic.core.evaluation.stacked_trials import run_stacked_trials, stacking_gain
from neuromosaic.core.evaluation.trial import TrialOutcome

WORTHWHILE = 1.5
"""Times as fast side by side: well above what a clock's noise makes of 1."""


def compare(trials: Trials, one: Any, other: Any, seeds: Sequence[int], level: float, side_by_side: bool) -> Estimate:
    """See `TrainingEvaluator.compare`."""
    if not seeds or len(set(seeds)) < len(seeds):
        raise UsageError(f"seeds: give different ones, at least one, not {list(seeds)}")
    import numpy as np

    first, second = (np.stack(_scores(trials, each, seeds, side_by_side)) for each in (one, other))
    return difference(first, second, level)


def _scores(trials: Trials, architecture: Any, seeds: Sequence[int], side_by_side: bool) -> list[Array]:
    """By seed: per validation example, of the best epoch's weights."""
    seeded = [trials.with_seed(seed) for seed in seeds]
    subjects = [each.subject(architecture) for each in seeded]
    if side_by_side and _is_quicker(trials, subjects):
        outcomes = _together(trials, subjects, seeds)
    else:
        outcomes = [each.train(subject) for each, subject in zip(seeded, subjects, strict=True)]
    return [_example_scores(trials, subject, one) for subject, one in zip(subjects, outcomes, strict=True)]


def _is_quicker(trials: Trials, subjects: Sequence[Subject]) -> bool:
    """Whether the first steps of all copies at once say so; what cannot be stacked is not."""
    if len(subjects) < 2:
        return False
    first = subjects[0]
    return stacking_gain(trials.judge, first.graph, trials.dataset, first.recipe, len(subjects)) >= WORTHWHILE


def _together(trials: Trials, subjects: Sequence[Subject], seeds: Sequence[int]) -> list[TrialOutcome]:
    """Raises CandidateError where one comes to nothing."""
    graphs, recipes = zip(*subjects, strict=True)
    outcomes = run_stacked_trials(
        trials.judge, graphs, trials.dataset, recipes, trials.plan,
        fidelity=1.0, seeds=seeds, timeout=len(subjects) * trials.timeout,
    )  # fmt: skip
    return [usable(outcome) for outcome in outcomes]


def _example_scores(trials: Trials, subject: Subject, outcome: TrialOutcome) -> Array:
    data = trials.dataset
    weights = {f"weights/{name}": tensor for name, tensor in outcome.weights.items()}
    outputs = predicted(trials.judge, subject.graph, data.validation.x, weights, trials.timeout, data.contract)
    units = data.preprocessing.unscale_targets
    return example_scores(data.contract.task, units(outputs), units(data.validation.y))
