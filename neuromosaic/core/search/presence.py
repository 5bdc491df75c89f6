"""Beside other processes: one at a time works on a search, and whoever works gives signs of life."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from neuromosaic.core.errors import SearchError
from neuromosaic.core.search.ledger import LEASE, Ledger


@contextmanager
def alone(root: Path | None, search: int | None, name: str) -> Iterator[None]:
    """Holds the search; the system lets go of it when the process ends, however it ends.

    Raises SearchError where another process holds it.
    """
    if root is None:
        yield
        return
    place = root / "searches"
    place.mkdir(exist_ok=True)
    lock = FileLock(place / f"{search}.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        said = f"another process is at work on the search {name!r} in {root}: wait, or .run() a new one"
        raise SearchError(said) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def alive(ledger: Ledger, owner: str) -> Iterator[None]:
    """Renews the owner's lease while it lasts; in the end what was claimed and not finished is free again."""
    over = threading.Event()
    ledger.renew(owner)

    def beat() -> None:
        while not over.wait(LEASE / 3):
            ledger.renew(owner)

    threading.Thread(target=beat, daemon=True).start()
    try:
        yield
    finally:
        over.set()
        ledger.retire(owner)
