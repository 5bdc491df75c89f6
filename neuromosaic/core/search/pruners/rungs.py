"""One ladder of levels, and who stands on which."""

import math
from bisect import insort
from collections.abc import Sequence


class Rungs:
    """The results at each of `levels`; the best 1/`factor` of each go on.

    `size`: how many trials there will be, where that is known: then a level is decided only when it is full. `top`:
    where paused trials end, if above the last of `levels`; a report there decides nothing any more.
    """

    def __init__(self, levels: Sequence[int], factor: int, size: int | None = None, top: int | None = None) -> None:
        self.levels, self.factor, self.size = tuple(levels), factor, size
        self._judged = len(levels)
        if top is not None and top > levels[-1]:
            self.levels += (top,)
        self._values: list[list[float]] = [[] for _ in self.levels]  # rising, failures as -inf
        self._paused: list[list[tuple[float, int, str]]] = [[] for _ in self.levels]  # best first
        self._gone_on = [0] * len(self.levels)
        self._decided: dict[str, int] = {}

    # ------------------------------------------------------------ trials that report

    def stops(self, trial: str, step: int, value: float) -> bool:
        """Whether a trial ends that has come to `step` with this value, to be large."""
        rung = self._decided.get(trial, 0)
        while rung < self._judged and step >= self.levels[rung]:
            if math.isnan(value):
                return True
            insort(self._values[rung], value)
            if not self._is_among_best(rung, value):
                return True
            rung += 1
            self._decided[trial] = rung
        return False

    def _is_among_best(self, rung: int, value: float) -> bool:
        values = self._values[rung]
        return value >= values[-max(1, len(values) // self.factor)]

    # ------------------------------------------------------------ trials that pause

    def reached(self, trial: str, level: int, value: float) -> None:
        """A result at a level; NaN: it failed."""
        rung = self.levels.index(level)
        insort(self._values[rung], -math.inf if math.isnan(value) else value)
        if not math.isnan(value) and rung + 1 < len(self.levels):
            insort(self._paused[rung], (-value, int(trial), trial))

    def promotion(self) -> tuple[str, int] | None:
        """The best paused trial of the highest level that may go on, and where to."""
        for rung in reversed(range(len(self.levels) - 1)):
            paused = self._paused[rung]
            if paused and self._gone_on[rung] < self._places(rung):
                return paused[0][2], self.levels[rung + 1]
        return None

    def promoted(self, trial: str, level: int) -> None:
        """A paused trial has gone on to `level`."""
        rung = self.levels.index(level) - 1
        self._gone_on[rung] += 1
        self._paused[rung] = [one for one in self._paused[rung] if one[2] != trial]

    def _places(self, rung: int) -> int:
        """How many of a level go on, as far as is known."""
        there = len(self._values[rung])
        if self.size is None:
            return there // self.factor
        return there // self.factor if there >= self._awaited(rung) else 0

    def _awaited(self, rung: int) -> int:
        size = self.size or 0
        for _ in range(rung):
            size //= self.factor
        return size

    def hopeless(self, coming: int) -> list[str]:
        """Paused trials that cannot go on any more, if at most `coming` trials are yet to begin."""
        found: list[str] = []
        arriving = coming
        for rung, paused in enumerate(self._paused[:-1]):
            most = (len(self._values[rung]) + arriving) // self.factor
            found += [trial for _, _, trial in paused[max(0, most - self._gone_on[rung]) :]]
            arriving = max(0, most - len(self._values[rung + 1]))
        return found
