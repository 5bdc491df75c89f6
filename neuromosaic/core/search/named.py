"""The evaluator that ships, by name: a search over networks needs a space and data, nothing else."""

from typing import TYPE_CHECKING, Any

from neuromosaic.core.errors import SearchError
from neuromosaic.core.space.space import SearchSpace
from neuromosaic.core.spelling import suggest

if TYPE_CHECKING:
    from neuromosaic.core.evaluation.evaluators.evaluator import TrainingEvaluator


def evaluator_meant(given: Any, data: Any, task: Any, space: SearchSpace | None, seed: int) -> Any:
    """The evaluator that is given; ours where it is named. Raises SearchError for data that none is to use."""
    if isinstance(given, str):
        return named_evaluator(given, data, task, space, seed)
    if data is not None or task is not None:
        raise SearchError("data and task go with evaluator='training', or one of its modes by name")
    return given


def named_evaluator(name: str, data: Any, task: Any, space: SearchSpace | None, seed: int) -> "TrainingEvaluator":
    """A TrainingEvaluator: `name` is "training" (its mode "auto") or one of its modes.

    Raises SearchError for another name and where `data` is missing; UsageError and DataError where they do not fit.
    """
    from neuromosaic.core.evaluation.evaluators.evaluator import MODES, TrainingEvaluator

    if name not in {*MODES, "training"}:
        raise SearchError(f"evaluator: there is no {name!r}{suggest(name, ['training', *MODES])}")
    if data is None:
        raise SearchError(f"evaluator: {name!r} trains networks: give data, such as data='digits'")
    return TrainingEvaluator(data, task, mode="auto" if name == "training" else name, space=space, seed=seed)
