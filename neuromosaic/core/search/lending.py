"""Trials that were given out to someone else, until they are told, or late."""

import time
from collections.abc import Iterator

from neuromosaic.core.errors import SearchError
from neuromosaic.core.search.evaluator import Assignment


class Lent:
    """Assignments by their trial's number, each until its lease ends."""

    def __init__(self) -> None:
        self._until: dict[int, tuple[Assignment, float]] = {}

    def give(self, assignment: Assignment, lease: float | None) -> None:
        """`lease` in seconds; None: for ever."""
        self._until[assignment.trial] = (assignment, time.monotonic() + (lease or float("inf")))

    def take_back(self, number: int) -> Assignment:
        """Raises SearchError for one that is not under way."""
        if number not in self._until:
            raise SearchError(f"trial {number} is not under way: it was told already, or never asked for")
        return self._until.pop(number)[0]

    def late(self) -> Iterator[Assignment]:
        """Those whose lease is over; they are under way no more."""
        for number, (_, until) in list(self._until.items()):
            if time.monotonic() > until:
                yield self.take_back(number)
