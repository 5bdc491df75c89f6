"""A smaller task first: the better third of what it ranks is trained in full."""

import threading
from typing import Any

from neuromosaic.core.evaluation.evaluators.trials import Asked, Metrics, Trials, figures, stopper
from neuromosaic.core.evaluation.signals import worth

SHARE, FIDELITY = 0.5, 0.25  # of the examples, of the epochs
PROMOTED = 1 / 3


class ProxyTasks:
    """Half the examples for a quarter of the epochs; what then ranks among the best third so far is trained again in
    full. `full` says which of both the metrics are of: a third's full ones stand above the others' small ones
    wherever more training does not harm."""

    def __init__(self, trials: Trials) -> None:
        self.trials = trials
        self._small: list[float] = []
        self._pairs: list[tuple[float, float]] = []
        self._lock = threading.Lock()

    def evaluate(self, architecture: Any, asked: Asked) -> Metrics:
        subject = self.trials.subject(architecture)
        first = self.trials.train(subject, fidelity=asked.fidelity * FIDELITY, share=SHARE)
        merit = self.trials.merit(first.metrics)
        if not self._promotes(merit):
            return figures(first, architecture) | {"full": 0.0}
        again = self.trials.go_on(subject, asked, stopper(asked.report, self.trials.plan.primary))
        with self._lock:
            self._pairs.append((merit, self.trials.merit(again.metrics)))
        return figures(again, architecture) | {"full": 1.0}

    def worth(self) -> list[str]:
        if len(self._pairs) < 2:
            return ["the small task: too few trained in full to tell"]
        small, full = zip(*self._pairs, strict=True)
        found = worth(small, full)
        return [
            f"the small task: Spearman {found.correlation:.2f} with the full one over {found.trials} trained in both"
        ]

    def _promotes(self, merit: float) -> bool:
        with self._lock:
            better = sum(other > merit for other in self._small)
            self._small.append(merit)
            return better < max(1.0, PROMOTED * len(self._small))
