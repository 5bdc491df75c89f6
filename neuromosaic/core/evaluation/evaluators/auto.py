"""Trainings that go on only as long as they may still lead to the best, by what early epochs proved to tell."""

import math
import threading
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from neuromosaic.core.evaluation.checkpoint import is_there
from neuromosaic.core.evaluation.evaluators.prediction import Foresight
from neuromosaic.core.evaluation.evaluators.trials import Asked, Metrics, Report, Subject, Trials, figures, stopper
from neuromosaic.core.evaluation.loop import steps_in
from neuromosaic.core.evaluation.metrics import higher_is_better
from neuromosaic.core.evaluation.signals import FEWEST, Worth, worth

FIRST = 4  # trainings that are never stopped
CONTROL = 12  # and every twelfth, which shows whether the rules still hold
BETTER = 1 / 3  # of the trainings at a look, which go on
LOOKS = (1 / 16, 1 / 8, 1 / 4, 1 / 2)  # of the epochs, after which a training may be stopped
SURE = 1.64  # deviations: one in twenty is wrongly stopped
PROXIES_PAY = 2000  # steps of a training, below which proxies cost more than they may save


class Line(NamedTuple):
    """The final merit as a straight line of an early one; `deviation` of what it missed."""

    slope: float
    level: float
    deviation: float
    worth: Worth

    def most(self, early: float) -> float:
        """What a training at `early` will hardly exceed."""
        return self.slope * early + self.level + SURE * self.deviation


class Auto:
    """Trains four in full. From then on a training is looked at after a sixteenth, an eighth, a quarter and half of
    its epochs: it goes on only if it is in the best third of those that came so far (the stopping form of
    asynchronous successive halving: Li et al., 2020, arXiv:1810.05934), and if what such epochs told of finished
    trainings does not rule out that it becomes the best. A look that proved not to agree with the final merits is not
    believed. Long trainings that zero-cost proxies, once proven, rule out end at the first look. Under a pruner that
    gives less than all epochs, that one decides.

    The metrics are measured ones, of the epochs that were trained.
    """

    def __init__(self, trials: Trials) -> None:
        self.trials, self.foresight = trials, Foresight()
        self.looks = sorted({max(1, round(share * trials.epochs)) for share in LOOKS} - {trials.epochs})
        self._finished: list[list[float]] = []
        self._seen: dict[int, list[float]] = {look: [] for look in self.looks}
        self._started = 0
        self._lock = threading.Lock()

    def evaluate(self, architecture: Any, asked: Asked) -> Metrics:
        subject = self.trials.subject(architecture)
        if asked.fidelity < 1 or self._is_paused(asked):  # a pruner decides already
            stop = stopper(asked.report, self.trials.plan.primary)
            return figures(self.trials.go_on(subject, asked, stop), architecture)
        signals = self._signals(subject)
        watch = _Watch(self, asked.report, self._is_free(), self._is_ruled_out(signals))
        outcome = self.trials.go_on(subject, asked, watch.should_stop)
        if not watch.stopped and len(watch.merits) >= self.trials.epochs:
            self._learn(watch.merits, signals)
        return figures(outcome, architecture)

    def worth(self) -> list[str]:
        told = [(look, self.line(look)) for look in self.looks]
        return [
            f"epoch {look} of {self.trials.epochs}: Spearman {line.worth.correlation:.2f} with the last over"
            f" {line.worth.trials} trainings, {'used' if line.worth.used else 'dropped'}"
            for look, line in told if line
        ] + (self.foresight.worth() if self._proxies_pay else [])  # fmt: skip

    def line(self, look: int) -> Line | None:
        """None before as many trainings were finished as a correlation takes."""
        with self._lock:
            curves = list(self._finished)
        if len(curves) < FEWEST:
            return None
        return fitted([max(curve[:look]) for curve in curves], [max(curve) for curve in curves])

    def is_behind(self, look: int, merit: float) -> bool:
        """Whether a training is not in the best third of those that came to this look; it is now one of them."""
        with self._lock:
            others = self._seen[look]
            others.append(merit)
            return len(others) > FIRST and sum(other > merit for other in others) >= BETTER * len(others)

    def best(self) -> float:
        return max((max(curve) for curve in self._finished), default=-math.inf)

    def merit(self, row: Mapping[str, float]) -> float:
        value = row[self.trials.plan.primary]
        return value if higher_is_better(self.trials.plan.primary) else -value

    @property
    def _proxies_pay(self) -> bool:
        return steps_in(len(self.trials.dataset.train), self.trials.recipe, 1.0) >= PROXIES_PAY

    def _is_paused(self, asked: Asked) -> bool:
        return asked.checkpoint is not None and is_there(asked.checkpoint)

    def _signals(self, subject: Subject) -> dict[str, float]:
        return self.trials.proxies(subject) if self._proxies_pay else {}

    def _is_free(self) -> bool:
        with self._lock:
            self._started += 1
            return self._started <= FIRST or self._started % CONTROL == 0

    def _is_ruled_out(self, signals: dict[str, float]) -> bool:
        told = self.foresight.predict(signals) if signals else None
        return told is not None and bool(told.mean[0] + SURE * told.deviation[0] < self.foresight.best)

    def _learn(self, merits: list[float], signals: dict[str, float]) -> None:
        with self._lock:
            self._finished.append(merits)
        if signals:
            self.foresight.learn(signals, max(merits))


class _Watch:
    """One training as it goes."""

    def __init__(self, auto: Auto, report: Report | None, free: bool, ruled_out: bool) -> None:
        self.auto, self.report, self.free, self.ruled_out = auto, report, free, ruled_out
        self.merits: list[float] = []
        self.stopped = False

    def should_stop(self, epoch: int, row: Mapping[str, float]) -> bool:
        merit = self.auto.merit(row)
        self.merits.append(-math.inf if math.isnan(merit) else merit)
        asked = self.report is not None and bool(self.report(epoch, row[self.auto.trials.plan.primary]))
        hopeless = epoch in self.auto.looks and self._is_hopeless(epoch)
        self.stopped = asked or (hopeless and not self.free)
        return self.stopped

    def _is_hopeless(self, epoch: int) -> bool:
        merit, line = max(self.merits), self.auto.line(epoch)
        behind = self.auto.is_behind(epoch, merit)
        if self.ruled_out:
            return True
        if line is None:
            return behind
        return (behind and line.worth.low > 0) or line.most(merit) < self.auto.best()


def fitted(early: Sequence[float], final: Sequence[float]) -> Line:
    """Least squares over at least three pairs; a constant or diverged early merit tells nothing."""
    found = worth(early, final)
    if not found.used or not np.isfinite([*early, *final]).all():
        return Line(0.0, 0.0, math.inf, found._replace(low=-1.0, high=1.0))
    slope, level = np.polyfit(early, final, 1)
    missed = np.asarray(final) - slope * np.asarray(early) - level
    deviation = math.sqrt(float(missed @ missed) / (len(early) - 2))
    return Line(float(slope), float(level), deviation, found)
