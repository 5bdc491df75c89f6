"""How often a test split has been opened: each time is evidence of a run, counted over all runs of the store."""

import time
from collections.abc import Sequence
from pathlib import Path

from neuromosaic.core.store.store import Store

KIND = "test-opened"


def openings(store: Store, data: str) -> int:
    """Of the data with this hash, as far as the store knows."""
    return store.count_evidence(KIND, "data", data)


def count_later_opening(root: Path, run: str, data: str, candidates: Sequence[str], unseen: int = 1) -> int:
    """Counts one that comes after a run was delivered: for `candidates`, of the data with this hash.

    How often these data have been opened, this time included, as far as the store at `root` knows. Where it does not
    hold the run nothing is written, and `unseen` openings before this one are added: one for the run's certificate.
    """
    if not (root / "store.sqlite").exists():
        return unseen + 1
    store = Store(root)
    if run not in {record.id for record in store.runs()}:
        return openings(store, data) + unseen + 1
    evidence = store.add_evidence(run, KIND, {"data": data, "candidates": [*candidates], "at": time.time()})
    times = openings(store, data)
    store.add_event(run, "test.opened", candidates=[*candidates], times=times, evidence=evidence)
    return times
