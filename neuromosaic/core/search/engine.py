"""The engine: draws suggestions from strategies in turn, admits them, has them evaluated in batches."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from neuromosaic.core.protocols import SearchStrategy
from neuromosaic.core.search.families import Choice, Families


class Admitted(Protocol):
    """What the engine must know of a candidate: its id, for duplicates."""

    @property
    def id(self) -> str: ...


C = TypeVar("C", bound=Admitted)
TRIES_PER_TRIAL = 25
"""Suggestions that may be refused in a row (over a limit, or tried already) before a contestant gives up."""


@dataclass
class Contestant(Generic[C]):
    """One strategy with its own trials. `number` counts suggestions, refused ones included."""

    name: str
    strategy: SearchStrategy
    trials: list[tuple[C, Mapping[str, float]]] = field(default_factory=list)
    number: int = 0
    exhausted: bool = False

    def draw(self, families: Families, admit: Callable[[Choice], C | None], most: int) -> list[tuple[Choice, C]]:
        """Up to `most` suggestions that are admitted and new to this contestant, and to each other."""
        known = {candidate.id for candidate, _ in self.trials}
        picks: list[tuple[Choice, C]] = []
        refused = 0
        while len(picks) < most and not self.exhausted:
            choice = self.strategy.suggest(families, self.number)
            self.number += 1
            candidate = admit(choice)
            if candidate is None or candidate.id in known:
                refused += 1
                self.exhausted = refused >= TRIES_PER_TRIAL
            else:
                refused = 0
                known.add(candidate.id)
                picks.append((choice, candidate))
        return picks


@dataclass(frozen=True)
class Contest(Generic[C]):
    """Several strategies on equal numbers of trials, a batch at a time.

    `admit` turns a choice into a candidate, or None where a constraint forbids it before any training. `evaluate`
    gets a batch and returns metrics in its order, "fitness" among them (more is better); what strategies are told
    does not depend on which trial of a batch finished first. `over` is asked between batches.
    """

    contestants: Sequence[Contestant[C]]
    admit: Callable[[Choice], C | None]
    evaluate: Callable[[Sequence[tuple[str, C]]], Sequence[Mapping[str, float]]]
    over: Callable[[], bool] = lambda: False
    batch: int = 2

    def run(self, families: Families, trials: int) -> None:
        """Until every contestant has `trials` trials in all, or can suggest nothing new, or `over` says so."""
        for contestant in self.contestants:
            contestant.exhausted = False
        while not self.over():
            drawn = [
                (contestant, *pick)
                for contestant in self.contestants
                for pick in contestant.draw(families, self.admit, min(self.batch, trials - len(contestant.trials)))
            ]
            if not drawn:
                return
            outcomes = self.evaluate([(contestant.name, candidate) for contestant, _, candidate in drawn])
            for (contestant, choice, candidate), metrics in zip(drawn, outcomes, strict=True):
                contestant.trials.append((candidate, metrics))
                contestant.strategy.update(choice, metrics)
