"""Pruning under several objectives."""

from collections.abc import Mapping, Sequence

from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.pareto import front_ranks


class MultiObjectivePruner:
    """Stops a trial that stands in a later front than half of the completed trials did at this step.

    All objectives must be among the reported metrics; one that is not reported counts as lost. Not before
    `n_startup_trials` trials are complete, nor before step `n_warmup_steps`. With one objective it is the median
    rule on the value at this step.
    """

    def __init__(self, objectives: Objectives, *, n_startup_trials: int = 5, n_warmup_steps: int = 0) -> None:
        self._objectives = objectives
        self._startup, self._warmup = n_startup_trials, n_warmup_steps
        self._told: dict[str, dict[int, dict[str, float]]] = {}
        self._columns: dict[int, list[dict[str, float]]] = {}
        self._complete = 0

    def should_stop(
        self,
        trial_id: str,
        step: int,
        metrics: Mapping[str, float],
        history: Mapping[str, Sequence[Mapping[str, float]]],
    ) -> bool:
        self._told.setdefault(trial_id, {})[step] = dict(metrics)
        rivals = self._columns.get(step, [])
        if self._complete < max(1, self._startup) or step < self._warmup or not rivals:
            return False
        ranks = front_ranks(self._objectives.losses([*rivals, metrics]))
        return int((ranks[:-1] < ranks[-1]).sum()) * 2 > len(rivals)

    def finished(self, trial_id: str, completed: bool) -> None:
        told = self._told.pop(trial_id, {})
        if completed:
            self._complete += 1
            for step, metrics in told.items():
                self._columns.setdefault(step, []).append(metrics)
