"""What must be evaluated and what is known already, and what is done with each outcome."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neuromosaic.core.execution.failure import Failure
from neuromosaic.core.search.choosing import Choosing, Chosen
from neuromosaic.core.search.evaluator import Assignment, Report
from neuromosaic.core.search.ledger import Ledger, SearchEvent, Taken
from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.trials import Trial, Trials
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.space import SearchSpace

Outcome = Mapping[str, float] | Failure
LEAST_ATTEMPTS = 3
"""So often at least a trial is begun in which the whole search ended, before it is taken for the reason."""
POLL = 0.05  # seconds between looks at what another process is evaluating


@dataclass(frozen=True)
class Rules:
    """What holds for every trial of a search. `identity` is the evaluator's; None: figures are not shared."""

    space: SearchSpace
    objectives: Objectives
    identity: str | None
    canonical: bool
    max_retries: int
    reports: bool
    forbids: Callable[[Point], str | None]
    checkpoints: Path | None = None


@dataclass
class Dispatch:
    """An iterator of assignments, which goes on whenever there is something to do again.

    `choosing` says which trial is next. `ended` is called with every trial that got a result.
    """

    search: int
    owner: str
    ledger: Ledger
    trials: Trials
    choosing: Choosing
    rules: Rules
    ended: Callable[[Trial], None]
    report: Callable[[int], Report]
    lock: Any
    _flying: dict[str, list[Trial]] = field(default_factory=dict)
    _begun: dict[int, float] = field(default_factory=dict)
    _deferred: list[tuple[Trial, str]] = field(default_factory=list)
    _known: dict[str, tuple[Outcome, bool]] = field(default_factory=dict)

    def __iter__(self) -> "Dispatch":
        return self

    def __next__(self) -> Assignment:
        while True:
            with self.lock:
                found = self._next()
            if found is not None:
                return found
            if self._flying or not self._deferred:
                raise StopIteration
            time.sleep(POLL)

    def _next(self) -> Assignment | None:
        """The next evaluation; what is known already is answered on the way."""
        deferred, self._deferred = self._deferred, []
        while deferred:
            if (found := self._claimed(*deferred.pop(0))) is not None:
                self._deferred += deferred
                return found
        while (chosen := self.choosing.next()) is not None:
            with self.ledger.writing():
                found = self._placed(self._ask(chosen))
            if found is not None:
                return found
        return None

    # ------------------------------------------------------------ whether it must be evaluated

    def _ask(self, chosen: Chosen) -> Trial:
        said = {"by_chance": True} if chosen.by_chance else {}
        self.write(chosen.number, "asked", {"point": chosen.point, "fidelity": chosen.fidelity, **said})
        return self.trials.every[chosen.number]

    def key(self, trial: Trial) -> str:
        """Equal for evaluations that must give the same: evaluator, architecture, fidelity."""
        space, point = self.rules.space, trial.point
        form = space.key(point) if self.rules.canonical else repr(sorted(point.items()))
        return f"{self.rules.identity}/{form}/{trial.fidelity or ''}"

    def _placed(self, trial: Trial) -> Assignment | None:
        if (said := self.rules.forbids(trial.point)) is not None:
            self._answer(trial, Failure("constraint", said), False)
            return None
        key = self.key(trial)
        if self.rules.identity is None:
            return self._handed_out(trial, f"{key}/{trial.number}")
        if (done := self._known.get(key)) is not None:
            self._answer(trial, *done)
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
        self._known[key] = (found, False)
        self._answer(trial, found, False)
        return None

    def _handed_out(self, trial: Trial, key: str) -> Assignment:
        self._flying[key] = [trial]
        self._begun[trial.number] = time.monotonic()
        report = self.report(trial.number) if self.rules.reports else None
        folders = self.rules.checkpoints
        folder = None if folders is None else str(folders / str(trial.number))
        return Assignment(trial.number, trial.point, trial.fidelity, folder, report)

    # ------------------------------------------------------------ what became of it

    def settle(self, assignment: Assignment, outcome: Outcome) -> None:
        """Writes an outcome down, and answers those who wait for the same."""
        trial = self.trials.every[assignment.trial]
        if isinstance(outcome, Failure) and outcome.is_infrastructure and trial.attempts <= self.rules.max_retries:
            self.give_up(assignment, outcome)
            return
        with self.lock:
            self._settle(trial, outcome)

    def _settle(self, trial: Trial, outcome: Outcome) -> None:
        key, waiting = self._flight(trial)
        seconds = time.monotonic() - self._begun.pop(trial.number)
        with self.ledger.writing():
            self._finish(trial, outcome, seconds=seconds)
            if self.rules.identity is not None:
                self.ledger.keep(key, self.owner, None if trial.state in ("failed", "pruned") else trial.metrics)
                self._known[key] = known_of(trial)
        self.ended(trial)
        for other in waiting[1:]:
            self._answer(other, *known_of(trial))

    def _flight(self, trial: Trial) -> tuple[str, list[Trial]]:
        """The key of a trial under way, and those who wait for its outcome: it is under way no more."""
        key = next(key for key, waiting in self._flying.items() if waiting[0] is trial)
        return key, self._flying.pop(key)

    def recover(self) -> None:
        """After a stop of whatever kind: what was under way is to be done again, what is known is known."""
        with self.lock, self.ledger.writing():
            self.remember()
            self._flying.clear()
            self._deferred.clear()
            for trial in [one for one in self.trials.open.values() if one.state == "running"]:
                self.write(trial.number, "requeued", {"cause": "infrastructure", "message": "the search was stopped"})
                if trial.attempts > max(self.rules.max_retries, LEAST_ATTEMPTS):
                    self._abandon(trial)

    def _abandon(self, trial: Trial) -> None:
        """A trial with which every attempt to go on has ended so far."""
        said = f"the search ended {trial.attempts} times while this trial was evaluated"
        self._finish(trial, Failure("crash", said))

    def remember(self) -> None:
        """What a resumed search knows already."""
        if self.rules.identity is not None:
            self._known = {self.key(t): known_of(t) for t in self.trials.every if t.number not in self.trials.open}

    def give_up(self, assignment: Assignment, failure: Failure) -> None:
        """The trial, and those who wait for its outcome, are to be done again."""
        with self.lock, self.ledger.writing():
            key, waiting = self._flight(self.trials.every[assignment.trial])
            self._begun.pop(assignment.trial)
            self.ledger.keep(key, self.owner, None)
            for one in waiting:
                self.write(one.number, "requeued", {"cause": failure.cause, "message": failure.message})

    def _answer(self, trial: Trial, outcome: Outcome, pruned: bool) -> None:
        """With figures that are known already."""
        self._finish(trial, outcome, cached=True, pruned=pruned)
        self.ended(trial)

    def _finish(
        self, trial: Trial, outcome: Outcome, *, seconds: float = 0.0, cached: bool = False,
        pruned: bool = False,
    ) -> None:  # fmt: skip
        if trial.stopped:
            given = {} if isinstance(outcome, Failure) else outcome
            outcome, pruned = {**trial.last_report, **given}, True
        data = {**self._judged(trial, outcome, pruned), "cached": cached, "seconds": round(seconds, 6)}
        self.write(trial.number, "result", data)
        self._clean_up(trial)

    def _judged(self, trial: Trial, outcome: Outcome, pruned: bool) -> dict[str, Any]:
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
        ladder = self.trials.ladder
        is_below_top = ladder is not None and (trial.fidelity or 0) < ladder.top(str(trial.number))
        return "paused" if is_below_top else "complete"

    def _clean_up(self, trial: Trial) -> None:
        """Checkpoints go as soon as nobody can go on from them."""
        if self.rules.checkpoints is None:
            return
        doomed = [trial.number] if trial.has_ended else []
        if self.trials.ladder is not None and self.choosing.coming is not None:
            doomed += map(int, self.trials.ladder.hopeless(self.choosing.coming))
        for number in doomed:
            remove_folder(self.rules.checkpoints / str(number))

    def write(self, trial: int | None, kind: str, data: dict[str, Any]) -> None:
        """First into the store, then into memory."""
        self.ledger.append(self.search, trial, kind, data)
        self.trials.apply(SearchEvent(trial, kind, data))


def known_of(trial: Trial) -> tuple[Outcome, bool]:
    """A trial's outcome as another one is told it, and whether it was pruned."""
    if trial.state == "failed":
        return Failure(trial.cause, trial.message), False  # type: ignore[arg-type]
    return dict(trial.metrics), trial.state == "pruned"


def remove_folder(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
