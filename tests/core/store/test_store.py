"""Nothing is lost, nothing is paid twice: also across threads, processes and damaged disks."""

import multiprocessing
import sqlite3
import threading
from pathlib import Path

import pytest

from neuromosaic.core.errors import NotFoundError, StoreError
from neuromosaic.core.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def new_run(store: Store) -> str:
    return store.create_run({"seed": 0}, {"yes": True})


def test_a_step_is_computed_once_also_by_another_process_of_the_store(store: Store) -> None:
    run, calls = new_run(store), []
    for reopened in (store, Store(store.root)):
        assert reopened.once(run, "plan", lambda: calls.append(1) or {"x": (1, 2)}) == {"x": [1, 2]}
    assert calls == [1]


def test_a_step_that_fails_is_not_remembered(store: Store) -> None:
    run = new_run(store)
    with pytest.raises(ZeroDivisionError):
        store.once(run, "plan", lambda: 1 / 0)
    assert store.once(run, "plan", lambda: 3) == 3


def test_events_come_back_in_order_and_only_the_new_ones(store: Store) -> None:
    run, other = new_run(store), new_run(store)
    store.add_event(run, "role.started", role="Trainer")
    store.add_event(other, "noise")
    store.add_event(run, "role.replied", role="Trainer", seconds=1.5)
    first, second = store.events(run)
    assert (first.kind, second.data) == ("role.started", {"role": "Trainer", "seconds": 1.5})
    assert store.events(run, after=first.number) == [second]


def test_artifacts_are_by_content_and_damage_is_noticed(store: Store) -> None:
    digest = store.put(b"weights")
    assert store.put(b"weights") == digest
    assert store.get(digest) == b"weights"
    (store.root / "artifacts" / digest[:2] / digest[2:]).write_bytes(b"forged")
    with pytest.raises(StoreError, match="damaged"):
        store.get(digest)


def test_garbage_is_what_no_row_mentions(store: Store) -> None:
    run = new_run(store)
    kept, dropped = store.put(b"kept"), store.put(b"dropped")
    store.once(run, "export", lambda: {"graph": kept})
    assert store.collect_garbage() == (1, 7)
    assert store.get(kept) == b"kept"
    with pytest.raises(NotFoundError, match="no artifact"):
        store.get(dropped)


def test_an_artifact_name_cannot_leave_the_folder(store: Store) -> None:
    with pytest.raises(NotFoundError, match="no artifact's digest"):
        store.get("../../etc/passwd")


def test_a_run_is_found_by_a_unique_beginning_or_end(store: Store) -> None:
    run = new_run(store)
    assert store.run(run[:9]).id == store.run(run[-4:]).id == run
    assert store.run(run).brief == {"seed": 0}


def test_an_unknown_or_ambiguous_run_is_one_clear_sentence(store: Store) -> None:
    with pytest.raises(NotFoundError, match=r"'nope' is no run .*none yet"):
        store.run("nope")
    first, second = new_run(store), new_run(store)
    if first[:4] == second[:4]:
        with pytest.raises(NotFoundError, match="fits several runs"):
            store.run(first[:4])
    assert [record.id for record in store.runs()] == [second, first]


def test_status_brief_and_deletion(store: Store) -> None:
    run = new_run(store)
    store.set_status(run, "met")
    store.set_brief(run, {"seed": 7})
    assert store.run(run).status == "met"
    assert store.run(run).brief == {"seed": 7}
    store.once(run, "plan", lambda: 1)
    store.delete_run(run)
    assert store.runs() == []
    assert store.step(run, "plan") is None


def test_evidence_is_by_content_and_points_to_its_run(store: Store) -> None:
    run = new_run(store)
    evidence = store.add_evidence(run, "latency", {"p50": 0.1})
    assert store.add_evidence(run, "latency", {"p50": 0.1}) == evidence
    assert store.evidence(evidence)["p50"] == 0.1
    assert store.evidence(evidence)["run"] == run
    store.add_evidence(new_run(store), "latency", {"p50": 0.1})
    assert store.count_evidence("latency", "p50", 0.1) == 2
    assert store.count_evidence("latency", "p50", 0.2) == 0
    with pytest.raises(NotFoundError, match="no evidence"):
        store.evidence("e-0")


def test_trials_and_replies_are_kept_beyond_their_run_and_never_overwritten(store: Store) -> None:
    for value in (1, 2):
        store.keep_trial("key", {"value": value})
        store.keep_reply("hash", f"text {value}")
    assert store.trial("key") == {"value": 1}
    assert store.reply("hash") == "text 1"
    assert store.trial("other") is None
    assert store.reply("other") is None


def test_many_threads_write_at_once(store: Store) -> None:
    run = new_run(store)
    threads = [threading.Thread(target=lambda: [store.add_event(run, "tick") for _ in range(20)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.events(run)) == 160


def _tick(root: Path, run: str) -> None:
    other = Store(root)
    for _ in range(20):
        other.add_event(run, "tick")


def test_two_processes_write_to_one_store(store: Store) -> None:
    run = new_run(store)
    processes = [multiprocessing.get_context("spawn").Process(target=_tick, args=(store.root, run)) for _ in range(2)]
    for process in processes:
        process.start()
    _tick(store.root, run)
    for process in processes:
        process.join()
    assert len(store.events(run)) == 60


def test_a_store_of_a_newer_version_is_refused(store: Store) -> None:
    connection = sqlite3.connect(store.root / "store.sqlite")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match="newer Neuromosaic"):
        Store(store.root)


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot make the store's folder"):
        Store(tmp_path / "file" / "store")


def test_a_store_file_that_is_no_database_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "store.sqlite").write_text("not a database, but long enough to be looked at as one" * 20)
    with pytest.raises(StoreError, match="failed"):
        Store(tmp_path)


def test_an_artifact_that_cannot_be_written_is_a_clear_error(store: Store) -> None:
    (store.root / "artifacts").write_text("in the way")
    with pytest.raises(StoreError, match="cannot write to the store"):
        store.put(b"x")
