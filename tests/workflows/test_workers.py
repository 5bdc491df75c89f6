"""Runs of one process may share their workers."""

from pathlib import Path

from neuromosaic.core.brief import Brief
from neuromosaic.core.store.store import Store
from neuromosaic.workflows import workers
from neuromosaic.workflows.bench import Workbench
from neuromosaic.workflows.options import Options
from neuromosaic.workflows.runs import create
from neuromosaic.workflows.workers import Workers, keep_workers


def bench(root: Path) -> Workbench:
    store = Store(root)
    return Workbench(store, create(store, Brief(sentence="digits"), Options()))


def test_kept_workers_outlive_a_run(tmp_path: Path) -> None:
    with keep_workers():
        first, second = bench(tmp_path), bench(tmp_path)
        found = first.sandbox
        first.close_judge()
        first.close()
        assert second.sandbox is found


def test_without_them_a_run_has_its_own(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(workers, "_kept", None)
    first, second = bench(tmp_path), bench(tmp_path)
    found = first.sandbox
    assert second.sandbox is not found
    first.close()
    assert first.sandbox is not found, "a closed one is not handed out again"


def test_keeping_may_be_nested_and_ends_with_the_outermost(monkeypatch) -> None:
    monkeypatch.setattr(workers, "_kept", None)
    with keep_workers():
        outer = workers.kept()
        with keep_workers():
            assert workers.kept() is outer
        assert workers.kept() is outer
    assert workers.kept() is None


def test_each_wish_has_workers_of_its_own() -> None:
    made = Workers()
    assert made.judge(1, "cpu") is made.judge(1, "cpu") is not made.judge(2, "cpu")
    assert made.sandbox("auto") is not made.sandbox("none")
    judge, sandbox = made.judge(1, "cpu"), made.sandbox("auto")
    made.close_judges()
    assert made.judge(1, "cpu") is not judge
    assert made.sandbox("auto") is sandbox
    made.close()
