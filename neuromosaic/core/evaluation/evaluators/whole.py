"""Every architecture trained: in full, or until it does not get better."""

from typing import Any

from neuromosaic.core.evaluation.evaluators.trials import Asked, Metrics, Subject, Trials, figures, stopper

PATIENCE = 0.15  # share of the epochs


class FullTraining:
    """Each architecture gets all epochs of its fidelity."""

    def __init__(self, trials: Trials) -> None:
        self.trials = trials

    def evaluate(self, architecture: Any, asked: Asked) -> Metrics:
        stop = stopper(asked.report, self.trials.plan.primary)
        outcome = self.trials.go_on(self.trials.subject(architecture), asked, stop)
        return figures(outcome, architecture)

    def worth(self) -> list[str]:
        return []


class EarlyStopping:
    """Ends a training after as many epochs without a better validation loss as the recipe's patience; where it has
    none, after 15% of its epochs, at least two."""

    def __init__(self, trials: Trials) -> None:
        self.trials = trials
        self.patience = trials.recipe.patience or max(2, round(PATIENCE * trials.epochs))

    def evaluate(self, architecture: Any, asked: Asked) -> Metrics:
        stop = stopper(asked.report, self.trials.plan.primary)
        graph, recipe = self.trials.subject(architecture)
        patient = Subject(graph, recipe.model_copy(update={"patience": self.patience}))
        outcome = self.trials.go_on(patient, asked, stop)
        return figures(outcome, architecture)

    def worth(self) -> list[str]:
        return []
