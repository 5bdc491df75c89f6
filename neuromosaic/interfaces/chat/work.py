"""The run at work behind the conversation, which goes on meanwhile."""

import threading
from collections.abc import Callable
from typing import Any

from neuromosaic.core.errors import NeuromosaicError, WaitingForApproval
from neuromosaic.core.results import Results
from neuromosaic.core.store.store import Store
from neuromosaic.workflows import runs
from neuromosaic.workflows.bench import Observer, Workbench

Ended = Callable[[Results | None, str], None]
"""Told what a run came to: its results, or why there are none."""


class Work:
    """One run at a time, in a thread of its own."""

    def __init__(self, store: Store, observe: Observer, ended: Ended) -> None:
        self._store = store
        self._observe = observe
        self._ended = ended
        self._thread: threading.Thread | None = None
        self._bench: Workbench | None = None

    @property
    def busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def begin(self, run: str, answer: dict[str, Any] | None = None) -> None:
        """Carries the run on; `ended` is told when it has ended, however that was."""
        self._bench = bench = Workbench(self._store, run, self._observe)
        self._thread = threading.Thread(target=self._carry_on, args=(bench, answer), name=f"run {run}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Asks the run to end with the best so far; returns at once."""
        if self._bench is not None and not self._bench.stopping:
            self._bench.stop()
            self._bench.tell("stop.requested")

    def wait(self) -> None:
        """Until the run has ended; short waits, so that Ctrl-C is heard."""
        while self._thread is not None and self._thread.is_alive():
            self._thread.join(0.2)

    def _carry_on(self, bench: Workbench, answer: dict[str, Any] | None) -> None:
        results, reason = None, ""
        try:
            results = runs.carry_on(bench, answer)
        except WaitingForApproval:
            reason = "It waits for your approval: /brief shows what was understood, /approve goes on."
        except NeuromosaicError as error:
            reason = str(error)
        except Exception as error:  # noqa: BLE001 - the conversation outlives a fault of ours, and says what it was
            reason = f"a fault of Neuromosaic itself ({type(error).__name__}: {error})"
        finally:
            bench.close()
        self._ended(results, reason)
