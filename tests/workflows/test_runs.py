"""Runs survive: kill, stop, approval, failure."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from neuromosaic.core.brief import Budget
from neuromosaic.core.errors import (
    DataError,
    Interrupted,
    ModelRefusedError,
    RunFailedError,
    UsageError,
    WaitingForApproval,
)
from neuromosaic.core.search.ledger import Ledger
from neuromosaic.core.store.store import Event, Store
from neuromosaic.workflows import runs
from neuromosaic.workflows.options import Options
from tests.small_runs import Finished, at_work, comparable, design, iris

SOAK = pytest.mark.soak
KILLED = """
import os, signal, sys
from pathlib import Path
from neuromosaic.core.store.store import Store
from neuromosaic.workflows import runs
from neuromosaic.workflows.bench import Workbench

root, run, kind, count = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
seen = 0

def observe(event):
    global seen
    seen += event.kind == kind
    if seen == count:
        os.kill(os.getpid(), signal.SIGKILL)

bench = Workbench(Store(root), run, observe)
runs.carry_on(bench)
bench.close()
"""


def killed_at(root: Path, run: str, kind: str, count: int) -> int:
    command = [sys.executable, "-c", KILLED, str(root), run, kind, str(count)]
    return subprocess.run(command, check=False, capture_output=True, timeout=150).returncode


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    "places",
    [
        pytest.param((("trial.finished", 3),), id="once"),
        pytest.param(
            (("metrics", 1), ("family.accepted", 2), ("suite.mutants", 1), ("trial.finished", 6), ("certified", 1)),
            marks=SOAK,
            id="often",
        ),
    ],
)
def test_a_run_killed_at_many_places_ends_as_the_uninterrupted_one_and_repeats_nothing(
    finished: Finished, tmp_path: Path, places: tuple[tuple[str, int], ...]
) -> None:
    store = Store(tmp_path / "store")
    run = runs.create(store, iris(), Options(folder=str(tmp_path / "out")))
    for kind, count in places:
        assert killed_at(store.root, run, kind, count) == -signal.SIGKILL
    with at_work(store, run) as bench:
        results = runs.carry_on(bench)
    assert comparable(results) == comparable(finished.results)
    done = [event.data["trial"] for event in store.events(run) if event.kind == "trial.started"]
    finished_trials = [event.data["trial"] for event in finished.events if event.kind == "trial.started"]
    assert len(done) <= len(finished_trials) + 2  # those in flight at the kill
    proposals = [event for event in store.events(run) if event.kind == "family.proposed"]
    assert len({event.data["family"] for event in proposals}) == finished.kinds().count("family.proposed")


def test_told_to_stop_it_keeps_the_best_so_far(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    run = runs.create(store, iris(), Options(folder=str(tmp_path / "out")))

    def stop_after_the_first_trial(event: Event) -> None:
        if event.kind == "trial.finished" and event.data["contestant"] == "search":
            runs.request_stop(store, run)

    with at_work(store, run, stop_after_the_first_trial) as bench:
        results = runs.carry_on(bench)
    assert results.status == "stopped"
    assert results.winner is not None
    trials = [event for event in store.events(run) if event.kind == "trial.finished"]
    assert all(event.data["fidelity"] < 1 for event in trials)
    assert store.run(run).status == "stopped"


def test_told_to_stop_before_any_training_it_can_be_resumed(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    run = runs.create(store, iris(), Options(folder=str(tmp_path / "out")))

    def stop_at_the_recipe(event: Event) -> None:
        if event.kind == "recipe":
            runs.request_stop(store, run)

    with at_work(store, run, stop_at_the_recipe) as bench, pytest.raises(Interrupted, match="neuromosaic resume"):
        runs.carry_on(bench)
    assert store.run(run).status == "interrupted"


WEAK_SUITE = """```python test_model.py
import torch
from model import Model


def test_shape():
    assert Model()(torch.randn(5, 4)).shape[0] == 5


def test_outputs_depend_on_inputs():
    model = Model().eval()
    assert not torch.allclose(model(torch.zeros(2, 4)), model(torch.ones(2, 4)))


def test_same_input_same_output():
    model = Model().eval()
    assert torch.equal(model(torch.ones(2, 4)), model(torch.ones(2, 4)))
```"""


def test_a_suite_that_lets_mutants_through_is_mended_and_a_time_budget_is_kept(
    finished: Finished, tmp_path: Path
) -> None:
    folder = tmp_path / "script"
    folder.mkdir()
    strict = finished.store.step(finished.results.run, "suite")["source"]
    (folder / "TestArchitect.suite.md").write_text(WEAK_SUITE)
    (folder / "TestArchitect.suite.2.md").write_text(f"```python test_model.py\n{strict}\n```")
    brief = iris(budget=Budget(trials=2, seconds=240))
    results = design(tmp_path, brief, role_models={"TestArchitect": (f"scripted:{folder}",)})
    run = Finished(tmp_path, results)
    assert (tmp_path / "out" / "test_model.py").read_text().strip() == strict.strip()
    roles = [event.data for event in run.events if event.kind == "role.started"]
    assert [role["purpose"] for role in roles if role["role"] == "TestArchitect"] == ["write-suite", "repair"]
    (mutants,) = [event.data for event in run.events if event.kind == "suite.mutants"]
    assert mutants["killed"] / (mutants["killed"] + mutants["survived"]) >= 0.6
    assert results.status == "met"


def test_a_suite_that_passes_on_hollow_stubs_never_counts(tmp_path: Path) -> None:
    folder = tmp_path / "script"
    folder.mkdir()
    hollow = "from model import Model\n" + "".join(f"def test_{n}():\n    assert Model\n" for n in range(3))
    (folder / "TestArchitect.suite.md").write_text(f"```python test_model.py\n{hollow}```")
    with pytest.raises(RunFailedError, match="after 3 tries: the suite passes on a hollow Model"):
        design(tmp_path, iris(), role_models={"TestArchitect": (f"scripted:{folder}",)})


def test_a_brief_read_by_a_model_waits_for_approval_and_goes_on_with_it(tmp_path: Path, script: Path) -> None:
    store = Store(tmp_path / "store")
    options = Options(
        folder=str(tmp_path / "out"), models=("offline",), role_models={"Metrics": (f"scripted:{script}", "offline")}
    )
    run = runs.create(store, iris(sentence="tell irises apart"), options)
    with at_work(store, run) as bench, pytest.raises(WaitingForApproval, match=f"approve {run}"):
        runs.carry_on(bench)
    asked = runs.question(store, run)
    assert store.run(run).status == "waiting"
    assert asked is not None
    assert asked["questions"] == ["How fast must it be?"]
    with at_work(store, run) as bench, pytest.raises(WaitingForApproval):
        runs.carry_on(bench)
    (script / "Metrics.read-brief.md").write_text(
        '{"brief": {"task": "classification", "constraints": {"latency_ms": 2.0}}}'
    )
    with at_work(store, run) as bench, pytest.raises(WaitingForApproval):
        runs.carry_on(bench, {"answer": "under 2 ms"})
    asked = runs.question(store, run)
    assert asked is not None
    assert asked["brief"]["constraints"]["latency_ms"] == 2.0
    with at_work(store, run) as bench:
        results = runs.carry_on(bench, {"approve": True})
    assert results.brief.constraints.latency_ms == 2.0


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """Metrics reads the brief; everything else falls back to the built-in designer."""
    folder = tmp_path / "script"
    folder.mkdir()
    first = '{"brief": {"task": "classification"}, "questions": ["How fast must it be?"]}'
    (folder / "Metrics.read-brief.md").write_text(first)
    return folder


def test_bad_data_ends_the_run_with_one_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere"):
        design(tmp_path, iris(data="nowhere.npz"))
    with pytest.raises(DataError, match="names no data"):
        design(tmp_path, iris(data=None, sentence="classify things"))


def test_a_model_that_is_refused_fails_the_run_which_can_be_resumed(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    run = runs.create(store, iris(), Options(models=("nonsense",)))
    with at_work(store, run) as bench, pytest.raises((UsageError, ModelRefusedError)):
        runs.carry_on(bench)
    assert store.run(run).status == "failed"


def test_two_processes_cannot_work_on_one_run(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    run = runs.create(store, iris(), Options())
    holder = subprocess.Popen(
        [sys.executable, "-c",
         f"import filelock, sys; lock = filelock.FileLock({str(store.root / (run + '.lock'))!r}); lock.acquire();"
         "print('held', flush=True); sys.stdin.read()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert holder.stdout is not None
    holder.stdout.readline()
    with at_work(store, run) as bench, pytest.raises(UsageError, match="another process works on run"):
        runs.carry_on(bench)
    holder.kill()
    holder.communicate()


def test_a_deleted_run_is_gone_with_its_workflow_state(finished: Finished, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    run = runs.create(store, iris(data="nowhere.npz"), Options())
    with at_work(store, run) as bench, pytest.raises(DataError):
        runs.carry_on(bench)
    for name in (f"{run}/search/0", "another/search/0"):
        Ledger(store.root).begin(name, {})
    runs.delete(store, run)
    assert store.runs() == []
    assert Ledger(store.root).names() == ["another/search/0"]
    assert not list(store.root.glob("*.lock"))


def test_no_results_yet_says_how_to_get_them(tmp_path: Path) -> None:
    store = Store(tmp_path)
    run = runs.create(store, iris(), Options())
    with pytest.raises(UsageError, match=f"neuromosaic resume {run}"):
        runs.stored_results(store, run)


def test_a_model_whose_proposals_never_work_ends_with_the_reasons(tmp_path: Path) -> None:
    folder = tmp_path / "script"
    folder.mkdir()
    (folder / "NetworkArchitect.propose.md").write_text("I would rather not write code today.")
    with pytest.raises(RunFailedError, match="no proposed network came through"):
        design(tmp_path, iris(), role_models={"NetworkArchitect": (f"scripted:{folder}",)})
    assert os.environ.get("LANGGRAPH_STRICT_MSGPACK") == "true"
