"""The searches of a store: what each of them decided, as events, and figures that were paid for once."""

import json
import os
import secrets
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from neuromosaic.core.errors import StoreError
from neuromosaic.core.store.store import Store

_encode = json.JSONEncoder(separators=(",", ":")).encode  # made once: `json.dumps` makes one a call
LEASE = 60.0
"""Seconds for which a process on another machine is believed to be alive after its last sign of life."""


class SearchEvent(NamedTuple):
    """`kind`: "asked", "report", "result", "requeued" of a trial, or "note" of the search itself."""

    trial: int | None
    kind: str
    data: dict[str, Any]


class Taken(NamedTuple):
    """Someone else is evaluating this."""


class Ledger:
    """Events and evaluations in the store at `root`; None: in memory, shared by the searches of this process.

    One connection, used by one thread at a time. Raises StoreError where the store cannot be read or written, or
    comes from a newer version.
    """

    def __init__(self, root: Path | None) -> None:
        self.root = root
        self._lock, self._depth = threading.RLock(), 0
        self._forgotten: list[int] = []
        if root is not None:
            Store(root)
        with self._errors():
            place = ":memory:" if root is None else str(root / "store.sqlite")
            self._sql = sqlite3.connect(place, timeout=30, isolation_level=None, check_same_thread=False)
            self._sql.execute("PRAGMA journal_mode = WAL")
            self._sql.execute("PRAGMA synchronous = NORMAL")
            if root is None:
                self._sql.executescript(resources.files("neuromosaic.core.store").joinpath("schema.sql").read_text())

    # ------------------------------------------------------------ searches

    def begin(self, name: str, setup: Mapping[str, Any]) -> int:
        """The number of a new search."""
        sql = "INSERT INTO searches (name, created, setup) VALUES (?, ?, ?)"
        with self.writing():
            return int(self._sql.execute(sql, (name, time.time(), json.dumps(setup))).lastrowid or 0)

    def latest(self, name: str) -> tuple[int, dict[str, Any]] | None:
        """The latest search of that name, and how it was set up."""
        rows = self._read("SELECT id, setup FROM searches WHERE name = ? ORDER BY id DESC LIMIT 1", name)
        return (rows[0][0], json.loads(rows[0][1])) if rows else None

    def names(self) -> list[str]:
        return [name for (name,) in self._read("SELECT DISTINCT name FROM searches ORDER BY id DESC")]

    def append(self, search: int, trial: int | None, kind: str, data: Mapping[str, Any]) -> None:
        """Writes down what is about to happen."""
        sql = "INSERT INTO search_events (search, trial, kind, data) VALUES (?, ?, ?, ?)"
        with self.writing():
            self._sql.execute(sql, (search, trial, kind, _encode(data)))

    def events(self, search: int) -> Iterator[SearchEvent]:
        """All events of a search, in order."""
        sql = "SELECT trial, kind, data FROM search_events WHERE search = ? ORDER BY id"
        for trial, kind, data in self._read(sql, search):
            yield SearchEvent(trial, kind, json.loads(data))

    def forget(self, search: int) -> None:
        """Takes a search out before the next write; the figures that it paid for stay.

        May be called at any moment: the garbage collector does, also in the midst of a transaction of this thread.
        """
        self._forgotten.append(search)

    def _let_go(self) -> None:
        while self._forgotten:
            search = self._forgotten.pop()
            self._sql.execute("DELETE FROM search_events WHERE search = ?", (search,))
            self._sql.execute("DELETE FROM searches WHERE id = ?", (search,))

    # ------------------------------------------------------------ evaluations

    def claim(self, key: str, owner: str) -> dict[str, float] | Taken | None:
        """The figures under this key; `Taken` while another living owner works on it; None: it is now yours."""
        with self.writing():
            rows = self._read("SELECT owner, metrics FROM evaluations WHERE key = ?", key)
            if rows and rows[0][1] is not None:
                return dict(json.loads(rows[0][1]))
            if rows and rows[0][0] != owner and self._lives(rows[0][0]):
                return Taken()
            self._sql.execute("INSERT OR REPLACE INTO evaluations VALUES (?, ?, NULL)", (key, owner))
            return None

    def keep(self, key: str, owner: str, metrics: Mapping[str, float] | None) -> None:
        """Keeps the figures under a claimed key; None: gives the key back."""
        with self.writing():
            if metrics is None:
                sql = "DELETE FROM evaluations WHERE key = ? AND owner = ? AND metrics IS NULL"
                self._sql.execute(sql, (key, owner))
            else:
                self._sql.execute(
                    "INSERT OR REPLACE INTO evaluations VALUES (?, ?, ?)", (key, owner, json.dumps(metrics))
                )

    def renew(self, owner: str) -> None:
        """A sign of life: what the owner has claimed stays its own for another `LEASE` seconds."""
        with self.writing():
            self._sql.execute("INSERT OR REPLACE INTO owners VALUES (?, ?)", (owner, time.time() + LEASE))

    def retire(self, owner: str) -> None:
        """Gives back all that the owner claimed and did not finish."""
        with self.writing():
            self._sql.execute("DELETE FROM evaluations WHERE owner = ? AND metrics IS NULL", (owner,))
            self._sql.execute("DELETE FROM owners WHERE owner = ?", (owner,))

    def _lives(self, owner: str) -> bool:
        host, process, _ = owner.rsplit("/", 2)
        if host == socket.gethostname() and not _runs(int(process)):
            return False
        rows = self._read("SELECT until FROM owners WHERE owner = ?", owner)
        return bool(rows) and rows[0][0] > time.time()

    # ------------------------------------------------------------ SQLite

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction, however deep: all of it or nothing."""
        with self._lock, self._errors():
            if not self._depth:
                self._let_go()
                self._sql.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if not self._depth and self._sql.in_transaction:
                    with suppress(sqlite3.Error):
                        self._sql.execute("ROLLBACK")
                raise
            self._depth -= 1
            if not self._depth:
                self._sql.execute("COMMIT")

    def _read(self, sql: str, *values: object) -> list[Any]:
        with self._lock, self._errors():
            return self._sql.execute(sql, values).fetchall()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if self._sql_is_open and self._sql.in_transaction and not self._depth:
                with suppress(sqlite3.Error):
                    self._sql.execute("ROLLBACK")
            raise StoreError(f"the store at {self.root or 'memory'} failed: {error}") from None

    @property
    def _sql_is_open(self) -> bool:
        return hasattr(self, "_sql")


def new_owner() -> str:
    """A name for whoever evaluates: host, process, chance."""
    return f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


_in_memory: list[Ledger] = []


def ledger_at(root: Path | None) -> Ledger:
    """The ledger of a store; without one, this process's own."""
    if root is not None:
        return Ledger(root)
    if not _in_memory:
        _in_memory.append(Ledger(None))
    return _in_memory[0]
