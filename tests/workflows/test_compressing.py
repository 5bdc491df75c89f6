"""Smaller networks made from the finalists stand beside them, certified as they are."""

import shutil
from pathlib import Path

import pytest

from neuromosaic.core.evaluation.data import room
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.graph.packing import unpack_tensors
from neuromosaic.delivery.reproducing import command
from neuromosaic.workflows import compressing
from neuromosaic.workflows.candidates import Candidate, model_source
from neuromosaic.workflows.compression import Compression
from neuromosaic.workflows.finalists import best_of, known_finalists, trained_finalists
from tests.small_runs import Finished, at_work, design, iris

ENDS = {"finished", "stopped"}  # by the recipe's patience


@pytest.fixture
def again(finished: Finished, tmp_path: Path) -> Finished:
    """The shared run in a store of its own."""
    shutil.copytree(finished.root / "store", tmp_path / "store")
    return Finished(tmp_path, finished.results)


def test_the_best_is_pruned_and_taught_and_kept_where_no_finalist_beats_it(
    again: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compressing, "SHARES", (0.5,))
    with at_work(again.store, again.results.run) as bench:
        own = trained_finalists(bench)
        best = best_of(bench, "search", own)
        assert best is not None
        kept = [
            Candidate.model_validate(candidate)
            for _, candidate, _ in bench.once("compressed", lambda: compressing._smaller(bench))
        ]
        assert compressing.compress(bench, {}) == {}  # not asked for: nothing more is done
        after = known_finalists(bench)
    told = [event.data for event in again.events if event.kind == "compressed"]
    pruned = next(one for one in told if one["origin"].startswith("pruned from"))
    assert pruned["origin"] == f"pruned from {best.candidate.name} and taught by it"
    assert pruned["cause"] in ENDS
    assert pruned["parameters"] < best.candidate.parameters
    assert {one.id for one in kept} <= {one["candidate"] for one in told}
    made = {one.candidate.id for one in after if "origin" in one.record}
    assert made == {one.id for one in kept}
    ids = [one.candidate.id for one in after if one.contestant == "search"]
    assert len(ids) == len(set(ids))


def test_a_lesson_that_memory_does_not_hold_is_given_in_parts_and_kept_on_the_disk(
    again: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    with at_work(again.store, again.results.run) as bench:
        best = best_of(bench, "search", trained_finalists(bench))
        assert best is not None
        weights = unpack_tensors(bench.store.get(best.record["weights"]))
        made = [
            Compression(model_source(bench, best.candidate), weights, bench.dataset, bench.sandbox, bench.judge)
            for _ in range(2)
        ]
        whole = made[0]._lesson
        monkeypatch.setenv(room.VARIABLE, "0.001")
        in_parts = made[1]._lesson
        assert isinstance(in_parts, room.OnDisk)
        assert in_parts.tobytes() == whole.tobytes()
        taught = [one.taught(one.graph, Recipe(epochs=1), bench.plan, 0) for one in made]
    assert taught[0].metrics == taught[1].metrics


def test_the_command_says_that_it_was_wanted(finished: Finished) -> None:
    assert "--compress" not in command(finished.results)
    assert command(finished.results.model_copy(update={"compress": True})).endswith("--compress")
    assert "compressed" not in finished.kinds()


@pytest.mark.soak
def test_a_whole_run_certifies_what_it_made_smaller(tmp_path: Path) -> None:
    results = design(tmp_path, iris(), compress=True)
    run = Finished(tmp_path, results)
    told = {event.data["candidate"]: event.data for event in run.events if event.kind == "compressed"}
    assert any(one["origin"].startswith("pruned from") for one in told.values())
    for one in results.pareto:
        if one.id in told and one.designed_by != "offline":
            assert one.designed_by == f"offline, {told[one.id]['origin']}"
            assert one.metrics["val_accuracy"] == told[one.id]["value"]
    kinds = run.kinds()
    assert kinds.count("test.opened") == 1
    assert "compressed" not in kinds[kinds.index("test.opened") :]
