"""Openings of a test split are counted wherever they happen."""

from pathlib import Path

from neuromosaic.core.store.openings import KIND, count_later_opening, openings
from neuromosaic.core.store.store import Store


def test_every_opening_after_the_delivery_counts_and_is_an_event_of_the_run(tmp_path: Path) -> None:
    store = Store(tmp_path)
    run = store.create_run({}, {})
    store.add_evidence(run, KIND, {"data": "d1", "candidates": ["net"]})
    assert count_later_opening(tmp_path, run, "d1", ["half"]) == 2
    assert count_later_opening(tmp_path, run, "d1", ["half"]) == 3
    assert openings(store, "d2") == 0
    assert [event.data["times"] for event in store.events(run) if event.kind == "test.opened"] == [2, 3]


def test_a_run_that_the_store_does_not_hold_was_opened_once_before_elsewhere(tmp_path: Path) -> None:
    assert count_later_opening(tmp_path / "none", "0101-0000-abcd", "d1", ["half"]) == 2
    assert not (tmp_path / "none").exists()
    store = Store(tmp_path)
    store.add_evidence(store.create_run({}, {}), KIND, {"data": "d1"})
    assert count_later_opening(tmp_path, "0101-0000-abcd", "d1", ["half"]) == 3
    assert count_later_opening(tmp_path, "0101-0000-abcd", "d2", ["half"], unseen=0) == 1
