"""In which precision an evaluator trains: as it was told, or as a network of its space proves to be fastest."""

from neuromosaic.core.errors import UsageError
from neuromosaic.core.evaluation.evaluators.trials import Trials
from neuromosaic.core.evaluation.precision import Decided, measured
from neuromosaic.core.evaluation.recipe import WantedPrecision
from neuromosaic.core.space.space import SearchSpace


def decided(trials: Trials, space: SearchSpace | None, wanted: WantedPrecision) -> Decided:
    """For all architectures alike. Raises UsageError for "auto" without a space to take a network from."""
    if wanted != "auto":
        return Decided(precision=wanted, reason="", gains={})
    if space is None:
        raise UsageError("precision: auto is measured on a network of the space: give space, or name a precision")
    network = space.architecture(space.sample_many(1, seed=trials.seed)[0])
    graph, recipe = trials.subject(network)
    return measured(trials.judge, graph, trials.dataset, recipe, trials.seed)
