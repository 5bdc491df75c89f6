"""The trials of a search, as its events tell them: applied when they happen, and again when a search is resumed."""

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, takewhile
from typing import Any, Literal, Protocol, runtime_checkable

from neuromosaic.core.protocols import EarlyStopping, SearchStrategy
from neuromosaic.core.search.blaming import blaming
from neuromosaic.core.search.ledger import SearchEvent
from neuromosaic.core.space.parameters import Point

State = Literal["waiting", "running", "paused", "complete", "pruned", "failed"]
ENDED = ("complete", "pruned", "failed")
LENGTHEN = 3  # of trials that report, by how much each length of which a strategy is told exceeds the one before


@dataclass
class Trial:
    """One point and what became of it.

    `state`: "waiting" and "running" are to be done, "paused" may be promoted, the others are final. `metrics`: of
    the highest fidelity reached. `cause` and `message`: why it failed. `cached`: its figures were known already.
    `seconds`: what its last evaluation took. `curve`: what it reported, in order, each with its "step".
    """

    number: int
    point: Point
    state: State = "waiting"
    metrics: dict[str, float] = field(default_factory=dict)
    fidelity: int | None = None
    cause: str = ""
    message: str = ""
    attempts: int = 0
    cached: bool = False
    seconds: float = 0.0
    curve: list[dict[str, float]] = field(default_factory=list)
    stopped: bool = False

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED

    @property
    def last_report(self) -> dict[str, float]:
        """What it reported last, without the step."""
        return _figures(self.curve[-1]) if self.curve else {}


@runtime_checkable
class Rememberer(Protocol):
    """A pruner that wants to know how trials ended."""

    def finished(self, trial_id: str, completed: bool) -> None: ...


@runtime_checkable
class Ladder(Protocol):
    """A pruner that pauses trials at `levels` of fidelity and promotes some: successive halving in any form.

    `first` says at which level a new trial begins, `top` at which it is complete, `promotion` which paused one goes
    on, and to which level (asking changes nothing), and `promoted` says that it did. `reached` is told of each result
    at a level ({} where it failed). `hopeless`: which paused ones can no more be promoted when `coming` trials are
    yet to begin.
    """

    def first(self, trial_id: str) -> int: ...

    def reached(self, trial_id: str, fidelity: int, metrics: Mapping[str, float]) -> None: ...

    def top(self, trial_id: str) -> int: ...

    def promotion(self) -> tuple[str, int] | None: ...

    def promoted(self, trial_id: str, fidelity: int) -> None: ...

    def hopeless(self, coming: int) -> Sequence[str]: ...


class Trials:
    """All trials, the strategy and the pruner, moved on by events alone: the same events, the same state."""

    def __init__(self, strategy: SearchStrategy, pruner: EarlyStopping | None, climbs: bool = False) -> None:
        self.every: list[Trial] = []
        self.strategy, self.pruner = strategy, pruner
        self.ladder = pruner if climbs and isinstance(pruner, Ladder) else None
        self.rememberer = pruner if isinstance(pruner, Rememberer) else None
        self.minds_fidelity = "fidelity" in inspect.signature(strategy.update).parameters
        self.curves: dict[str, list[dict[str, float]]] = {}
        self.notes: list[dict[str, Any]] = []
        self.open: dict[int, Trial] = {}
        self.ended = self.by_chance = 0

    def replay(self, events: Iterable[SearchEvent]) -> None:
        """Applies what is stored; reports of attempts that were given up are left out, as if never made."""
        listed = list(events)
        given_up = _given_up(listed)
        for number, event in enumerate(listed):
            if number not in given_up:
                self._ask_again(event)
                self.apply(event)

    def _ask_again(self, event: SearchEvent) -> None:
        """A pruner may remember what it was asked; what it answered then is written down."""
        if event.kind == "report" and event.trial is not None:
            self.asks_to_stop(event.trial, event.data["step"], event.data["metrics"])

    def apply(self, event: SearchEvent) -> None:
        if event.trial is None:
            self.notes.append(event.data)
            return
        getattr(self, f"_{event.kind}")(event.trial, event.data)

    # ------------------------------------------------------------ one method per kind of event

    def _asked(self, number: int, data: dict[str, Any]) -> None:
        """A new trial with its point, or another evaluation of a known one."""
        if number == len(self.every):
            self.every.append(Trial(number, data["point"]))
            self.by_chance += data.get("by_chance", False)
        trial = self.every[number]
        trial.attempts = 1 if trial.state == "paused" else trial.attempts + 1
        if trial.state == "paused" and self.ladder is not None:
            self.ladder.promoted(str(number), data["fidelity"])
        trial.state, trial.fidelity = "running", data.get("fidelity")
        self.open[number] = trial

    def _requeued(self, number: int, data: dict[str, Any]) -> None:
        trial = self.every[number]
        trial.state, trial.stopped = "waiting", False
        if self.ladder is None:
            trial.curve.clear()
            self.curves.pop(str(number), None)

    def _report(self, number: int, data: dict[str, Any]) -> None:
        trial = self.every[number]
        entry = {"step": data["step"], **data["metrics"]}
        trial.stopped = data["stop"]
        trial.curve.append(entry)
        self.curves[str(number)] = trial.curve

    def asks_to_stop(self, number: int, step: int, metrics: Mapping[str, float]) -> bool:
        """The pruner's decision, before the report is written down with it."""
        if self.pruner is None or self.ladder is not None:
            return False
        others = _Others(self.curves, str(number))
        with blaming("pruner", self.pruner, f"on trial {number} at step {step}"):
            return bool(self.pruner.should_stop(str(number), step, metrics, others))

    def _result(self, number: int, data: dict[str, Any]) -> None:
        trial = self.every[number]
        trial.state = data["state"]
        trial.metrics = data["metrics"] or trial.metrics
        trial.cause, trial.message = data.get("cause", ""), data.get("message", "")
        trial.cached, trial.seconds = data.get("cached", False), data.get("seconds", 0.0)
        self.open.pop(number, None)
        self.ended += trial.has_ended
        self._tell_strategy(trial, {} if trial.state == "failed" else data["metrics"])
        self._tell_pruner(trial, data)

    def _tell_strategy(self, trial: Trial, metrics: Mapping[str, float]) -> None:
        if not self.minds_fidelity:
            self._told(trial, metrics)
            return
        told = _at_lengths(trial) if self.pruner is not None and self.ladder is None else []
        if trial.state != "pruned" or not told:
            told.append((trial.fidelity, {} if trial.state == "pruned" else metrics))
        for length, figures in told:
            self._told(trial, figures, fidelity=length)

    def _told(self, trial: Trial, metrics: Mapping[str, float], **length: int | None) -> None:
        with blaming("strategy", self.strategy, f"to take what became of trial {trial.number}"):
            self.strategy.update(dict(trial.point), metrics, **length)

    def _tell_pruner(self, trial: Trial, data: dict[str, Any]) -> None:
        if self.ladder is not None and trial.fidelity is not None:
            metrics = {} if trial.state == "failed" else data["metrics"]
            self.ladder.reached(str(trial.number), trial.fidelity, metrics)
        elif self.rememberer is not None:
            self.rememberer.finished(str(trial.number), trial.state == "complete")


def _at_lengths(trial: Trial) -> list[tuple[int | None, Mapping[str, float]]]:
    """What a trial had come to at its first, third, ninth ... report, with the steps of these: what was cut short can
    be compared there with what was not. Nothing of one that failed."""
    curve = [] if trial.state == "failed" else trial.curve
    numbers = takewhile(lambda number: number <= len(curve), (LENGTHEN**power for power in count()))
    return [(entry["step"], _figures(entry)) for entry in (curve[number - 1] for number in numbers)]


def _figures(entry: Mapping[str, float]) -> dict[str, float]:
    """Of a report, without its step."""
    return {name: value for name, value in entry.items() if name != "step"}


class _Others(Mapping[str, Sequence[Mapping[str, float]]]):
    """All curves but one."""

    def __init__(self, curves: Mapping[str, list[dict[str, float]]], but: str) -> None:
        self._curves, self._but = curves, but

    def __getitem__(self, trial: str) -> Sequence[Mapping[str, float]]:
        if trial == self._but:
            raise KeyError(trial)
        return self._curves[trial]

    def __iter__(self) -> Any:
        return (trial for trial in self._curves if trial != self._but)

    def __len__(self) -> int:
        return len(self._curves) - (self._but in self._curves)


def _given_up(events: Sequence[SearchEvent]) -> set[int]:
    """Which reports belong to an attempt that was requeued later, before it had a result."""
    void: set[int] = set()
    requeued: set[int | None] = set()
    for number in reversed(range(len(events))):
        event = events[number]
        if event.kind == "requeued":
            requeued.add(event.trial)
        elif event.kind in ("result", "asked"):
            requeued.discard(event.trial)
        elif event.kind == "report" and event.trial in requeued:
            void.add(number)
    return void
