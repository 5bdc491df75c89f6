"""The processes in which a run's networks are built and trained, and how several runs share them."""

import os
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from neuromosaic.core.workers.boundary import Accepted

if TYPE_CHECKING:
    from neuromosaic.core.judge.process import ProcessJudge
    from neuromosaic.core.sandbox.process import ProcessSandbox

Part = TypeVar("Part")


class Workers:
    """Sandboxes and judges by what is asked of them, each made on first use. Safe to use from several threads."""

    def __init__(self) -> None:
        self._sandboxes: dict[Hashable, ProcessSandbox] = {}
        self._judges: dict[Hashable, ProcessJudge] = {}
        self._lock = threading.Lock()

    def sandbox(self, boundary: Accepted, libraries: tuple[str, ...] = ()) -> "ProcessSandbox":
        """`libraries`: installed modules that its jobs find imported."""
        from neuromosaic.core.sandbox.process import ProcessSandbox

        workers = min(4, os.cpu_count() or 1)
        make = partial(ProcessSandbox, workers=workers, boundary=boundary, libraries=libraries)
        return self._once(self._sandboxes, (boundary, libraries), make)

    def judge(self, workers: int, device: str) -> "ProcessJudge":
        from neuromosaic.core.judge.process import ProcessJudge

        return self._once(self._judges, (workers, device), lambda: ProcessJudge(workers=workers, device=device))

    def close(self) -> None:
        """Ends them all; what is asked for afterwards is made anew."""
        self.close_judges()
        with self._lock:
            while self._sandboxes:
                self._sandboxes.popitem()[1].close()

    def close_judges(self) -> None:
        """Ends those that have seen graphs."""
        with self._lock:
            while self._judges:
                self._judges.popitem()[1].close()

    def _once(self, made: dict[Hashable, Part], key: Hashable, make: Callable[[], Part]) -> Part:
        with self._lock:
            if key not in made:
                made[key] = make()
            return made[key]


_kept: Workers | None = None


def kept() -> Workers | None:
    """The workers that outlive a run, where `keep_workers` is in force."""
    return _kept


@contextmanager
def keep_workers() -> Iterator[None]:
    """Inside, one run after the other in this process finds its workers warm: a cold start takes seconds.

    A sandbox gives each job a process of its own and a judge rebuilds each graph, so that nothing of one run is left
    for the next; certificates are made by fresh workers all the same. May be nested.
    """
    global _kept
    if _kept is not None:
        yield
        return
    _kept = Workers()
    try:
        yield
    finally:
        _kept.close()
        _kept = None
