"""The store: runs, their history, and everything that was paid for once."""

import hashlib
import json
import re
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from neuromosaic.core.errors import NotFoundError, StoreError
from neuromosaic.core.store.artifacts import Artifacts

SCHEMA_VERSION = 2


class RunRecord(NamedTuple):
    """One run. `status`: running, waiting, interrupted, failed, met, not met, stopped."""

    id: str
    created: float
    status: str
    brief: dict[str, Any]
    options: dict[str, Any]


class Event(NamedTuple):
    """One thing that happened. `time` in seconds since the epoch."""

    number: int
    time: float
    kind: str
    data: dict[str, Any]


class Store:
    """SQLite (WAL) and artifact files under `root`; safe to use from many threads and processes.

    Raises StoreError where the folder cannot be written, or was written by a newer version.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._local = threading.local()
        self._artifacts = Artifacts(root / "artifacts")
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"cannot make the store's folder {root}: {error.strerror}") from None
        self._prepare()

    # ------------------------------------------------------------ artifacts

    def put(self, data: bytes) -> str:
        """Keeps `data` and returns its SHA-256."""
        return self._artifacts.put(data)

    def get(self, artifact: str) -> bytes:
        return self._artifacts.get(artifact)

    def collect_garbage(self) -> tuple[int, int]:
        """Deletes artifacts that no row mentions: (files, bytes)."""
        rows = self._query(
            "SELECT data FROM events UNION ALL SELECT result FROM steps"
            " UNION ALL SELECT data FROM evidence UNION ALL SELECT data FROM trials"
        )
        referenced = {digest for (text,) in rows for digest in re.findall(r"[0-9a-f]{64}", text)}
        return self._artifacts.collect(referenced)

    # ------------------------------------------------------------ runs

    def create_run(self, brief: dict[str, Any], options: dict[str, Any]) -> str:
        run = time.strftime("%m%d-%H%M-") + secrets.token_hex(2)
        self._write("INSERT INTO runs VALUES (?, ?, 'running', ?, ?)", run, time.time(), _dump(brief), _dump(options))
        return run

    def run(self, run: str) -> RunRecord:
        """The run with this id, or the only one whose id begins or ends so. Raises NotFoundError."""
        rows = self._query("SELECT * FROM runs WHERE id = ?", run) or self._query(
            "SELECT * FROM runs WHERE instr(id, ?) = 1 OR substr(id, -length(?)) = ?", run, run, run
        )
        if len(rows) != 1 or not run:
            known = ", ".join(record.id for record in self.runs()[:5]) or "none yet"
            fault = "fits several runs" if rows else "is no run"
            raise NotFoundError(f"{run!r} {fault} of {self.root}: `neuromosaic runs` lists them (latest: {known})")
        return _record(rows[0])

    def runs(self) -> list[RunRecord]:
        """All runs, the latest first."""
        return [_record(row) for row in self._query("SELECT * FROM runs ORDER BY created DESC, rowid DESC")]

    def set_status(self, run: str, status: str) -> None:
        self._write("UPDATE runs SET status = ? WHERE id = ?", status, run)

    def set_brief(self, run: str, brief: dict[str, Any]) -> None:
        self._write("UPDATE runs SET brief = ? WHERE id = ?", _dump(brief), run)

    def set_options(self, run: str, options: dict[str, Any]) -> None:
        self._write("UPDATE runs SET options = ? WHERE id = ?", _dump(options), run)

    def delete_run(self, run: str) -> None:
        """The run with its events, steps, evidence and searches; trials and replies stay: they may serve others."""
        self._write("DELETE FROM searches WHERE instr(name, ?) = 1", f"{run}/")
        self._write("DELETE FROM runs WHERE id = ?", run)

    # ------------------------------------------------------------ history

    def add_event(self, run: str, kind: str, **data: Any) -> None:
        self._write(
            "INSERT INTO events (run, time, kind, data) VALUES (?, ?, ?, ?)", run, time.time(), kind, _dump(data)
        )

    def events(self, run: str, after: int = 0) -> list[Event]:
        """The run's events with a number above `after`, in order."""
        rows = self._query(
            "SELECT number, time, kind, data FROM events WHERE run = ? AND number > ? ORDER BY number", run, after
        )
        return [Event(number, when, kind, json.loads(data)) for number, when, kind, data in rows]

    def once(self, run: str, step: str, compute: Callable[[], Any]) -> Any:
        """The stored result of this step of the run, or `compute()`, stored before it is returned.

        The result is JSON; what is returned has been through JSON also the first time, so that a resumed run
        sees exactly what an uninterrupted one sees.
        """
        if (known := self.step(run, step)) is not None:
            return known
        text = _dump({"value": compute()})
        self._write("INSERT OR IGNORE INTO steps VALUES (?, ?, ?)", run, step, text)
        return self.step(run, step)

    def step(self, run: str, step: str) -> Any:
        """The stored result of a step, or None."""
        rows = self._query("SELECT result FROM steps WHERE run = ? AND step = ?", run, step)
        return json.loads(rows[0][0])["value"] if rows else None

    def copy_steps(self, run: str, other: str, steps: Sequence[str]) -> None:
        """Gives `other` these steps of `run`, and those below them ("suite": also "suite/0"), where it has none."""
        for step in steps:
            self._write(
                "INSERT OR IGNORE INTO steps SELECT ?, step, result FROM steps"
                " WHERE run = ? AND (step = ? OR instr(step, ?) = 1)",
                other, run, step, f"{step}/",
            )  # fmt: skip

    # ------------------------------------------------------------ what was paid for once

    def add_evidence(self, run: str, kind: str, data: dict[str, Any]) -> str:
        """Keeps a measurement or verdict; the id is by its content, so that the same evidence has one id."""
        text = _dump(data)
        evidence = "e-" + hashlib.sha256(f"{run}\n{kind}\n{text}".encode()).hexdigest()[:12]
        self._write("INSERT OR IGNORE INTO evidence VALUES (?, ?, ?, ?, ?)", evidence, run, kind, time.time(), text)
        return evidence

    def count_evidence(self, kind: str, field: str, value: str | float) -> int:
        """How often evidence of this kind has this value in this field, over all runs."""
        sql = "SELECT count(*) FROM evidence WHERE kind = ? AND json_extract(data, ?) = ?"
        return int(self._query(sql, kind, f"$.{field}", value)[0][0])

    def evidence(self, evidence: str) -> dict[str, Any]:
        rows = self._query("SELECT run, kind, time, data FROM evidence WHERE id = ?", evidence)
        if not rows:
            raise NotFoundError(f"no evidence {evidence!r} in {self.root}")
        run, kind, when, data = rows[0]
        return {"id": evidence, "run": run, "kind": kind, "time": when, **json.loads(data)}

    def trial(self, key: str) -> dict[str, Any] | None:
        """The stored outcome of a trial by its key, or None."""
        rows = self._query("SELECT data FROM trials WHERE key = ?", key)
        return json.loads(rows[0][0]) if rows else None

    def keep_trial(self, key: str, data: dict[str, Any]) -> None:
        self._write("INSERT OR IGNORE INTO trials VALUES (?, ?, ?)", key, time.time(), _dump(data))

    def reply(self, key: str) -> str | None:
        """A model's stored reply by the hash of what it was asked, or None."""
        rows = self._query("SELECT text FROM replies WHERE key = ?", key)
        return rows[0][0] if rows else None

    def keep_reply(self, key: str, text: str) -> None:
        self._write("INSERT OR IGNORE INTO replies VALUES (?, ?, ?)", key, time.time(), text)

    # ------------------------------------------------------------ SQLite

    def _prepare(self) -> None:
        with self._errors():
            connection = self._connection()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > SCHEMA_VERSION:
                raise StoreError(f"{self.root} was written by a newer Neuromosaic: upgrade, or use another --store")
            if version < SCHEMA_VERSION:
                schema = resources.files("neuromosaic.core.store").joinpath("schema.sql").read_text()
                connection.executescript(f"{schema}; PRAGMA user_version = {SCHEMA_VERSION};")

    def _connection(self) -> sqlite3.Connection:
        if not hasattr(self._local, "connection"):
            connection = sqlite3.connect(self.root / "store.sqlite", timeout=30, isolation_level=None)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            self._local.connection = connection
        return self._local.connection  # type: ignore[no-any-return]

    def _query(self, sql: str, *values: object) -> list[Any]:
        with self._errors():
            return self._connection().execute(sql, values).fetchall()

    def _write(self, sql: str, *values: object) -> None:
        with self._errors():
            self._connection().execute(sql, values)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"the store at {self.root} failed: {error}") from None


def _record(row: tuple[str, float, str, str, str]) -> RunRecord:
    run, created, status, brief, options = row
    return RunRecord(run, created, status, json.loads(brief), json.loads(options))


def _dump(value: Any) -> str:
    """JSON with NaN refused nowhere: a diverged loss is a fact too (Python's reader takes it back)."""
    return json.dumps(value, separators=(",", ":"))
