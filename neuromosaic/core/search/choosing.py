"""Which trial of a search is evaluated next."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from neuromosaic.core.errors import SearchError, SearchExhausted
from neuromosaic.core.protocols import SearchStrategy
from neuromosaic.core.search.blaming import blaming
from neuromosaic.core.search.trials import Trials
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.space import SearchSpace


class Chosen(NamedTuple):
    """An evaluation: the trial's number, its point, at which fidelity; whether chance stood in for a model."""

    number: int
    point: Point
    fidelity: int | None
    by_chance: bool = False


@dataclass
class Choosing:
    """A trial given up, else one promoted, else a new one: of `start` first, then as the strategy suggests.

    `over`: no new trial is begun once it says so. `note` writes down that nothing new is left.
    """

    space: SearchSpace
    trials: Trials
    strategy: SearchStrategy
    start: Sequence[Point]
    max_trials: int | None
    over: Callable[[], bool]
    note: Callable[[dict[str, Any]], None]
    exhausted: bool = False

    def next(self) -> Chosen | None:
        """What is to be evaluated now; None where there is nothing (yet)."""
        waiting = next((trial for trial in self.trials.open.values() if trial.state == "waiting"), None)
        if waiting is not None:
            return Chosen(waiting.number, waiting.point, waiting.fidelity)
        if self.over():
            return None
        return self._promoted() or self._new()

    @property
    def coming(self) -> int | None:
        """How many trials are yet to begin, as far as is known."""
        if self.exhausted:
            return 0
        return None if self.max_trials is None else self.max_trials - len(self.trials.every)

    def _promoted(self) -> Chosen | None:
        """A paused trial that goes on."""
        pruner = self.trials.ladder
        if pruner is None:
            return None
        if self.coming == 0 and hasattr(pruner, "close"):
            pruner.close(len(self.trials.every))
        found = pruner.promotion()
        if found is None:
            return None
        number = int(found[0])
        return Chosen(number, self.trials.every[number].point, found[1])

    def _new(self) -> Chosen | None:
        number = len(self.trials.every)
        if self.coming is not None and self.coming <= 0:
            return None
        before = self._fallbacks
        point = self.start[number] if number < len(self.start) else self._suggested(number)
        if point is None:
            return None
        fidelity = self.trials.ladder.first(str(number)) if self.trials.ladder else None
        return Chosen(number, dict(point), fidelity, self._fallbacks > before)

    @property
    def _fallbacks(self) -> int:
        return getattr(self.strategy, "fallbacks", 0)

    def _suggested(self, number: int) -> Point | None:
        try:
            with blaming("strategy", self.strategy, f"to suggest trial {number}"):
                point: Point = plain(self._asked(number))
        except SearchExhausted as error:
            self.exhausted = True
            self.note({"exhausted": str(error)})
            return None
        if not self.space.contains(point):
            raise SearchError(f"the strategy suggested {point} for trial {number}, which is not in the space")
        return point

    def _asked(self, number: int) -> Point:
        pending = getattr(self.strategy, "pending", None)
        if pending is not None:
            pending([dict(trial.point) for trial in self.trials.open.values()])
        return self.strategy.suggest(self.space, number)


def plain(point: Any) -> Any:
    """The point with the numbers of numpy, as which strategies like to draw, as Python's."""
    if not isinstance(point, Mapping):
        return point
    return {name: one.item() if hasattr(one, "item") else one for name, one in point.items()}
