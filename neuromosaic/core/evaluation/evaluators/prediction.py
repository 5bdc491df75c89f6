"""Metrics predicted from zero-cost proxies, sizes and paths, where these have proven themselves on this run."""

import math
import threading
from typing import Any

from neuromosaic.core.evaluation.evaluators.trials import Asked, Metrics, Trials, figures, stopper
from neuromosaic.core.evaluation.signals import Predicted, SignalEnsemble, Worth

FIRST = 12  # architectures trained before any is predicted
SURE = 1.28  # deviations; one in ten lies above its mean by more


class Foresight:
    """Trained architectures' signals and merits, and what an ensemble fitted to them foretells."""

    def __init__(self) -> None:
        self._signals: list[dict[str, float]] = []
        self._merits: list[float] = []
        self._fitted: tuple[int, SignalEnsemble] | None = None
        self._lock = threading.Lock()

    @property
    def best(self) -> float:
        return max(self._merits, default=float("-inf"))

    def learn(self, signals: dict[str, float], merit: float) -> None:
        with self._lock:
            self._signals.append(signals)
            self._merits.append(merit)

    def predict(self, signals: dict[str, float]) -> Predicted | None:
        """None before there are enough trials, and where no signal agreed with them."""
        ensemble = self.ensemble()
        if ensemble is None or not (ensemble.used and ensemble.own.used):
            return None
        return ensemble.predict([signals])

    def ensemble(self) -> SignalEnsemble | None:
        """Fitted again whenever a fifth more trials are there."""
        with self._lock:
            count = len(self._merits)
            if count < FIRST:
                return None
            if self._fitted is None or count >= 1.2 * self._fitted[0]:
                self._fitted = count, SignalEnsemble(self._signals, self._merits)
            return self._fitted[1]

    def worth(self) -> list[str]:
        ensemble = self.ensemble()
        if ensemble is None:
            return [f"predictor: {len(self._merits)} of {FIRST} trials that it needs"]
        varied = {name: found for name, found in ensemble.worth.items() if not math.isnan(found.correlation)}
        return [_sentence(f"predictor ({ensemble.learner or 'none'}), on trials it had not seen", ensemble.own),
                *(_sentence(name, found) for name, found in varied.items())]  # fmt: skip


class PerformancePrediction:
    """Trains the first twelve; from then on only what may be better than the best, or where prediction proved to be
    worth nothing. `predicted` 1: the primary metric is the predictor's, `deviation` says how sure it is."""

    def __init__(self, trials: Trials) -> None:
        self.trials, self.foresight = trials, Foresight()

    def evaluate(self, architecture: Any, asked: Asked) -> Metrics:
        subject = self.trials.subject(architecture)
        signals = self.trials.proxies(subject)
        told = self.foresight.predict(signals)
        if told is not None and told.mean[0] + SURE * told.deviation[0] < self.foresight.best:
            return self._predicted(float(told.mean[0]), float(told.deviation[0]))
        outcome = self.trials.go_on(subject, asked, stopper(asked.report, self.trials.plan.primary))
        if asked.fidelity >= 1 and outcome.cause == "finished":
            self.foresight.learn(signals, self.trials.merit(outcome.metrics))
        return figures(outcome, architecture) | {"predicted": 0.0, "deviation": 0.0}

    def worth(self) -> list[str]:
        return self.foresight.worth()

    def _predicted(self, merit: float, deviation: float) -> Metrics:
        sign = self.trials.merit({self.trials.plan.primary: 1.0})
        return {self.trials.plan.primary: sign * merit, "epochs": 0.0, "predicted": 1.0, "deviation": deviation}


def _sentence(name: str, found: Worth) -> str:
    if not found.used:
        return f"{name}: dropped, Spearman {found.correlation:.2f} over {found.trials} trials may be chance"
    return f"{name}: Spearman {found.correlation:.2f} [{found.low:.2f}, {found.high:.2f}] over {found.trials} trials"
