"""Every architecture trained: in full, or until it does not get better."""

from typing import Any

from neuromosaic.core.evaluation.evaluators.trials import Metrics, Report, Trials, figures, stopper

PATIENCE = 0.15  # share of the epochs


class FullTraining:
    """Each architecture gets all epochs of its fidelity."""

    def __init__(self, trials: Trials) -> None:
        self.trials = trials

    def evaluate(self, architecture: Any, fidelity: float, report: Report | None) -> Metrics:
        stop = stopper(report, self.trials.plan.primary)
        outcome = self.trials.train(self.trials.graph(architecture), fidelity=fidelity, stop=stop)
        return figures(outcome, architecture)

    def worth(self) -> list[str]:
        return []


class EarlyStopping:
    """Ends a training after as many epochs without a better validation loss as the recipe's patience; where it has
    none, after 15% of its epochs, at least two."""

    def __init__(self, trials: Trials) -> None:
        self.trials = trials
        patience = trials.recipe.patience or max(2, round(PATIENCE * trials.epochs))
        self.recipe = trials.recipe.model_copy(update={"patience": patience})

    def evaluate(self, architecture: Any, fidelity: float, report: Report | None) -> Metrics:
        stop = stopper(report, self.trials.plan.primary)
        graph = self.trials.graph(architecture)
        outcome = self.trials.train(graph, fidelity=fidelity, recipe=self.recipe, stop=stop)
        return figures(outcome, architecture)

    def worth(self) -> list[str]:
        return []
