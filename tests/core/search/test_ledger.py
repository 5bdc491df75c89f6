"""What a search writes down before it happens."""

import gc
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from neuromosaic.core.search.ledger import Ledger, ledger_at
from tests.core.search.small_searches import search


def test_a_search_in_memory_is_forgotten_with_its_object() -> None:
    ledger = ledger_at(None)
    found = search(max_trials=2, name="soon gone")
    found.run()
    assert ledger.latest("soon gone") is not None
    del found
    gc.collect()
    ledger.begin("another", {})
    assert ledger.latest("soon gone") is None


def test_a_search_may_be_forgotten_in_the_midst_of_a_transaction(tmp_path: Path) -> None:
    """The garbage collector does not wait for one to end, nor for the lock: it has the same thread."""
    ledger = Ledger(tmp_path)
    gone, stays = ledger.begin("gone", {}), ledger.begin("stays", {})
    statements: list[str] = []
    watched = Watched(ledger, lambda sql: (statements.append(sql), ledger.forget(gone)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "_sql", watched)
        ledger.append(stays, 0, "note", {"n": 1})
    assert statements[0] == "BEGIN IMMEDIATE"
    assert statements[-1] == "COMMIT"
    ledger.append(stays, 0, "note", {"n": 2})
    assert ledger.names() == ["stays"]
    assert [event.data for event in ledger.events(stays)] == [{"n": 1}, {"n": 2}]


class Watched:
    """A connection that calls back before each statement."""

    def __init__(self, ledger: Ledger, before: Any) -> None:
        self._inner: sqlite3.Connection = ledger._sql
        self._before = before

    def execute(self, sql: str, values: Any = ()) -> sqlite3.Cursor:
        self._before(sql)
        return self._inner.execute(sql, values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)
