"""Two architectures trained on the same seeds and asked the same examples."""

from collections.abc import Sequence
from typing import Any

from neuromosaic.core.errors import UsageError
from neuromosaic.core.evaluation.comparison import Array, Estimate, difference, example_scores
from neuromosaic.core.evaluation.evaluators.trials import Trials
from neuromosaic.core.evaluation.handing_over import predicted


def compare(trials: Trials, one: Any, other: Any, seeds: Sequence[int], level: float) -> Estimate:
    """See `TrainingEvaluator.compare`."""
    if not seeds or len(set(seeds)) < len(seeds):
        raise UsageError(f"seeds: give different ones, at least one, not {list(seeds)}")
    import numpy as np

    first, second = (np.stack([_scores(trials.with_seed(seed), each) for seed in seeds]) for each in (one, other))
    return difference(first, second, level)


def _scores(trials: Trials, architecture: Any) -> Array:
    """Per validation example, of the best epoch's weights."""
    subject, data = trials.subject(architecture), trials.dataset
    outcome = trials.train(subject)
    weights = {f"weights/{name}": tensor for name, tensor in outcome.weights.items()}
    outputs = predicted(trials.judge, subject.graph, data.validation.x, weights, trials.timeout, data.contract)
    units = data.preprocessing.unscale_targets
    return example_scores(data.contract.task, units(outputs), units(data.validation.y))
