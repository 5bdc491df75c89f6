"""What is evaluated next, and what is done with each outcome."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from neuromosaic.core.errors import SearchError, SearchExhausted
from neuromosaic.core.execution.failure import Failure
from neuromosaic.core.search.evaluator import Assignment, Report
from neuromosaic.core.search.ledger import Ledger, SearchEvent, Taken
from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.trials import Trial, Trials
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.space import SearchSpace

POLL = 0.05  # seconds between looks at what another process is evaluating


class Proposer(Protocol):
    """The part of a strategy that proposes."""

    def suggest(self, space: SearchSpace, trial_number: int) -> Point: ...


@dataclass(frozen=True)
class Rules:
    """What holds for every trial of a search. `identity` is the evaluator's; None: figures are not shared."""

    space: SearchSpace
    objectives: Objectives
    identity: str | None
    canonical: bool
    max_retries: int
    reports: bool
    checkpoints: Path | None = None


@dataclass
class Dispatch:
    """An iterator of assignments, which goes on whenever there is something to do again.

    `over`: no new trial is begun once it says so. `ended` is called with every trial that got a result.
    """

    search: int
    owner: str
    ledger: Ledger
    trials: Trials
    strategy: Proposer
    rules: Rules
    max_trials: int | None
    over: Callable[[], bool]
    ended: Callable[[Trial], None]
    report: Callable[[int], Report]
    exhausted: bool = False
    _flying: dict[str, list[Trial]] = field(default_factory=dict)
    _begun: dict[int, float] = field(default_factory=dict)
    _deferred: list[tuple[Trial, str]] = field(default_factory=list)
    _known: dict[str, Trial] = field(default_factory=dict)

    def __iter__(self) -> "Dispatch":
        return self

    def __next__(self) -> Assignment:
        while True:
            found = self._next()
            if found is not None:
                return found
            if self._flying or not self._deferred:
                raise StopIteration
            time.sleep(POLL)

    def _next(self) -> Assignment | None:
        """The next evaluation; what is known already is answered on the way."""
        for trial, key in self._take_deferred():
            if (found := self._claimed(trial, key)) is not None:
                return found
        while (trial := self._begin()) is not None:
            if (found := self._placed(trial)) is not None:
                return found
        return None

    def _take_deferred(self) -> list[tuple[Trial, str]]:
        deferred, self._deferred = self._deferred, []
        for position, (trial, key) in enumerate(deferred[:-1]):
            if (found := self._claimed(trial, key)) is not None:
                self._deferred += deferred[position + 1 :]
                return [(trial, key)] if found is None else self._handed(found)
        return deferred[-1:]

    # ------------------------------------------------------------ which trial

    def _begin(self) -> Trial | None:
        """A trial to be evaluated, its event written: one given up, else one promoted, else a new one."""
        waiting = next((trial for trial in self.trials.open.values() if trial.state == "waiting"), None)
        if waiting is not None:
            return self._ask(waiting.number, waiting.point, waiting.fidelity)
        if self.over():
            return None
        promoted = self.trials.pruner.promotion() if self.trials.climbs else None  # type: ignore[union-attr]
        if promoted is not None:
            number, fidelity = promoted
            return self._ask(int(number), self.trials.every[int(number)].point, fidelity)
        return self._suggested()

    def _suggested(self) -> Trial | None:
        number = len(self.trials.every)
        if self.exhausted or (self.max_trials is not None and number >= self.max_trials):
            return None
        pending = getattr(self.strategy, "pending", None)
        if pending is not None:
            pending([trial.point for trial in self.trials.open.values()])
        try:
            point = self.strategy.suggest(self.rules.space, number)
        except SearchExhausted as error:
            self.exhausted = True
            self._write(None, "note", {"exhausted": str(error)})
            return None
        if not self.rules.space.contains(point):
            raise SearchError(f"the strategy suggested {point} for trial {number}, which is not in the space")
        fidelity = self.trials.pruner.first(str(number)) if self.trials.climbs else None  # type: ignore[union-attr]
        return self._ask(number, dict(point), fidelity)

    def _ask(self, number: int, point: Point, fidelity: int | None) -> Trial:
        self._write(number, "asked", {"point": point, "fidelity": fidelity})
        return self.trials.every[number]

    # ------------------------------------------------------------ whether it must be evaluated

    def key(self, trial: Trial) -> str:
        """Equal for evaluations that must give the same: evaluator, architecture, fidelity."""
        space, point = self.rules.space, trial.point
        form = space.key(point) if self.rules.canonical else repr(sorted(point.items()))
        return f"{self.rules.identity}/{form}/{trial.fidelity or ''}"

    def _placed(self, trial: Trial) -> Assignment | None:
        key = self.key(trial)
        if self.rules.identity is None:
            return self._handed_out(trial, f"{key}/{trial.number}")
        if (done := self._known.get(key)) is not None:
            self._copy(trial, done)
            return None
        if key in self._flying:
            self._flying[key].append(trial)
            return None
        return self._claimed(trial, key)

    def _claimed(self, trial: Trial, key: str) -> Assignment | None:
        found = self.ledger.claim(key, self.owner)
        if isinstance(found, Taken):
            self._deferred.append((trial, key))
            return None
        if found is None:
            return self._handed_out(trial, key)
        self._finish(trial, found, cached=True)
        self._known[key] = trial
        return None

    def _handed_out(self, trial: Trial, key: str) -> Assignment:
        self._flying[key] = [trial]
        self._begun[trial.number] = time.monotonic()
        report = self.report(trial.number) if self.rules.reports else None
        folder = self.rules.checkpoints and str(self.rules.checkpoints / str(trial.number))
        return Assignment(trial.number, trial.point, trial.fidelity, folder, report)

    # ------------------------------------------------------------ what became of it

    def settle(self, assignment: Assignment, outcome: Mapping[str, float] | Failure) -> None:
        """Writes an outcome down, and answers those who wait for the same."""
        key, waiting = next((k, ts) for k, ts in self._flying.items() if ts[0].number == assignment.trial)
        trial = waiting[0]
        if isinstance(outcome, Failure) and outcome.is_infrastructure and trial.attempts <= self.rules.max_retries:
            self._give_up(trial, key, outcome)
            return
        del self._flying[key]
        seconds = time.monotonic() - self._begun.pop(trial.number)
        with self.ledger.writing():
            self._finish(trial, outcome, seconds=seconds)
            if self.rules.identity is not None:
                self.ledger.keep(key, self.owner, None if trial.state in ("failed", "pruned") else trial.metrics)
                self._known[key] = trial
        for other in waiting[1:]:
            self._copy(other, trial)

    def _give_up(self, trial: Trial, key: str, failure: Failure) -> None:
        others = self._flying.pop(key)[1:]
        self._begun.pop(trial.number)
        self.ledger.keep(key, self.owner, None)
        for one in [trial, *others]:
            self._write(one.number, "requeued", {"cause": failure.cause, "message": failure.message})

    def _copy(self, trial: Trial, done: Trial) -> None:
        outcome = Failure(done.cause, done.message) if done.state == "failed" else done.metrics  # type: ignore[arg-type]
        self._finish(trial, outcome, cached=True, pruned=done.state == "pruned")

    def _finish(
        self, trial: Trial, outcome: Mapping[str, float] | Failure, *, seconds: float = 0.0, cached: bool = False,
        pruned: bool = False,
    ) -> None:  # fmt: skip
        data = {**self._judged(trial, outcome, pruned or trial.stopped), "cached": cached, "seconds": round(seconds, 6)}
        self._write(trial.number, "result", data)
        self._clean_up(trial)
        self.ended(trial)

    def _judged(self, trial: Trial, outcome: Mapping[str, float] | Failure, pruned: bool) -> dict[str, Any]:
        if isinstance(outcome, Failure):
            return {"state": "failed", "metrics": {}, "cause": outcome.cause, "message": outcome.message}
        fault = self.rules.objectives.fault(outcome)
        if fault is not None:
            figures = {name: value for name, value in outcome.items() if math.isfinite(value)}
            return {"state": "failed", "metrics": figures, "cause": "result", "message": f"the evaluator {fault}"}
        return {"state": self._state(trial, pruned), "metrics": dict(outcome)}

    def _state(self, trial: Trial, pruned: bool) -> str:
        if pruned:
            return "pruned"
        if self.trials.climbs and not self._is_at_top(trial):
            return "paused"
        return "complete"

    def _is_at_top(self, trial: Trial) -> bool:
        return trial.fidelity is not None and self.trials.pruner.top(str(trial.number)) <= trial.fidelity  # type: ignore[union-attr]

    def _clean_up(self, trial: Trial) -> None:
        """Checkpoints go as soon as nobody can go on from them."""
        if self.rules.checkpoints is None:
            return
        doomed = [trial.number] if trial.has_ended else []
        if self.trials.climbs and self.max_trials is not None:
            coming = 0 if self.exhausted else self.max_trials - len(self.trials.every)
            doomed += map(int, self.trials.pruner.hopeless(coming))  # type: ignore[union-attr]
        for number in doomed:
            remove_folder(self.rules.checkpoints / str(number))

    def _write(self, trial: int | None, kind: str, data: dict[str, Any]) -> None:
        """First into the store, then into memory."""
        self.ledger.append(self.search, trial, kind, data)
        self.trials.apply(SearchEvent(trial, kind, data))


def remove_folder(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
