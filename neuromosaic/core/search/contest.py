"""Several searches side by side, on equal numbers of distinct networks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, Protocol, TypeVar

from neuromosaic.core.errors import SearchExhausted
from neuromosaic.core.execution.failure import Failure
from neuromosaic.core.search.study import ArchitectureSearch
from neuromosaic.core.search.trials import Trial
from neuromosaic.core.space.parameters import Point

Metrics = Mapping[str, float]


class Admitted(Protocol):
    """What a contest must know of a candidate: its id, for duplicates."""

    @property
    def id(self) -> str: ...


C = TypeVar("C", bound=Admitted)
Admit = Callable[[Point], C | None]
TRIES_PER_TRIAL = 25
"""Suggestions in a row that may be refused (over a limit, or tried already) before a search is at its end."""


class Pick(NamedTuple, Generic[C]):
    """A candidate to be evaluated, and the trials that wait for it: several where their points mean one network."""

    candidate: C
    waiting: list[Trial]


@dataclass
class Contestant(Generic[C]):
    """One search by ask and tell. `trials`: its distinct candidates in order, with what they came to.

    What is in its store already is taken up: `trials` begins with it, and what was under way is asked for again.
    """

    name: str
    search: ArchitectureSearch
    admit: Admit[C]
    trials: list[tuple[C, Metrics]] = field(default_factory=list)
    exhausted: bool = False
    _latest: int = -1  # the number of the trial that brought the latest candidate

    def __post_init__(self) -> None:
        for trial in self.search.trials:
            candidate = self.admit(trial.point) if trial.has_ended else None
            if candidate is not None and candidate.id not in self._known:
                self._latest = trial.number
                self.trials.append((candidate, trial.metrics))
        every = self.search.trials
        is_settled = all(trial.has_ended for trial in every)
        self.exhausted = is_settled and len(every) - 1 - self._latest >= TRIES_PER_TRIAL

    @property
    def _known(self) -> dict[str, Metrics]:
        return {candidate.id: metrics for candidate, metrics in self.trials}

    def draw(self, most: int) -> list[Pick[C]]:
        """Candidates that are new here, until there are `most` with those known, or nothing new turns up."""
        picks: dict[str, Pick[C]] = {}
        while len(self.trials) + len(picks) < most and (trial := self._ask()) is not None:
            candidate = self.admit(trial.point)
            if candidate is None:
                self.search.tell(trial, Failure("constraint", "refused before any training"))
            elif (known := self._known.get(candidate.id)) is not None:
                self.search.tell(trial, _told(known))
            elif candidate.id in picks:
                picks[candidate.id].waiting.append(trial)
            else:
                picks[candidate.id], self._latest = Pick(candidate, [trial]), trial.number
            self.exhausted = trial.number - self._latest >= TRIES_PER_TRIAL
        return list(picks.values())

    def _ask(self) -> Trial | None:
        try:
            return None if self.exhausted else self.search.ask()
        except SearchExhausted:
            self.exhausted = True
            return None

    def take(self, pick: Pick[C], metrics: Metrics | None) -> None:
        """What became of a pick. None: it was cut short, and is to be done again by whoever goes on."""
        self.trials.append((pick.candidate, metrics or {}))
        if metrics is not None:
            for trial in pick.waiting:
                self.search.tell(trial, _told(metrics))


def _told(metrics: Metrics) -> Metrics | Failure:
    return metrics or Failure("result", "it came to nothing")


@dataclass(frozen=True)
class Contest(Generic[C]):
    """Several searches on equal numbers of trials, a batch of each at a time.

    `evaluate` gets the candidates of a batch with their contestants' names, and returns metrics in its order (None
    for what was cut short); what a search is told does not depend on which trial of a batch finished first. `over`
    is asked between batches. A contest that was killed goes on with the batch that was under way.
    """

    contestants: Sequence[Contestant[C]]
    evaluate: Callable[[Sequence[tuple[str, C]]], Sequence[Metrics | None]]
    over: Callable[[], bool] = lambda: False
    batch: int = 2

    def run(self, trials: int) -> None:
        """Until every contestant has `trials` trials, or can suggest nothing new, or `over` says so."""
        while not self.over():
            behind = [one for one in self.contestants if not one.exhausted and len(one.trials) < trials]
            if not behind:
                return
            # whoever is a batch ahead waits: so it was before a kill, too
            most = min(trials, (min(len(one.trials) for one in behind) // self.batch + 1) * self.batch)
            drawn = [(one, pick) for one in behind for pick in one.draw(most)]
            outcomes = self.evaluate([(one.name, pick.candidate) for one, pick in drawn])
            for (one, pick), metrics in zip(drawn, outcomes, strict=True):
                one.take(pick, metrics)
