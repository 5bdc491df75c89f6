"""Executors give back every trial once, whatever becomes of it."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from neuromosaic.core.errors import ExecutorError, InfrastructureError, SearchError, WorkerError
from neuromosaic.core.execution.catalogue import (
    ExecutorWarning,
    Settings,
    make_executor,
    register_executor,
)
from neuromosaic.core.execution.failure import Failure, WrongResult, failure_of
from neuromosaic.core.execution.processes import ProcessExecutor
from neuromosaic.core.execution.reports import ReportServer
from neuromosaic.core.execution.sequential import SequentialExecutor
from neuromosaic.core.execution.threads import ThreadExecutor
from neuromosaic.search import ArchitectureSearch, SearchSpace
from neuromosaic.testing.executors import check_executor

SPACE = SearchSpace({"y": {"type": "ordinal", "values": list(range(8))}})


def installed(library: str) -> bool:
    from importlib.util import find_spec

    return find_spec(library) is not None


def test_the_sequential_one_passes_the_suite_and_keeps_the_order() -> None:
    check_executor(SequentialExecutor, separate=False)
    assert list(SequentialExecutor().execute_trials(lambda x: -x, [3, 1, 2])) == [(3, -3), (1, -1), (2, -2)]


def test_threads_pass_the_suite_and_work_at_the_same_time() -> None:
    check_executor(ThreadExecutor, separate=False)
    meet = threading.Barrier(3)
    assert len(list(ThreadExecutor(3).execute_trials(lambda x: meet.wait(10), [1, 2, 3]))) == 3


def test_processes_pass_the_suite() -> None:
    check_executor(ProcessExecutor)


@pytest.mark.parametrize("make", [ThreadExecutor, ProcessExecutor])
def test_what_takes_too_long_is_given_up_and_its_slot_used_again(make: Callable[..., Any]) -> None:
    executor = make(1, trial_timeout=0.3)
    began = time.monotonic()
    results = dict(executor.execute_trials(lambda x: time.sleep(30 if x == 1 else 0), [0, 1, 2]))
    executor.shutdown()
    assert time.monotonic() - began < 15
    assert results == {0: None, 1: Failure("timeout", "took longer than 0.3 s"), 2: None}


def test_a_killed_worker_takes_what_it_started_with_it(tmp_path: Path) -> None:
    note = tmp_path / "pid"

    def starts_another(config: int) -> None:
        child = subprocess.Popen(["sleep", "60"])
        note.write_text(str(child.pid))
        child.wait()

    executor = ProcessExecutor(1, trial_timeout=1.0)
    [(_, failure)] = executor.execute_trials(starts_another, [0])
    executor.shutdown()
    assert failure.cause == "timeout"
    state = Path(f"/proc/{note.read_text()}/stat")
    assert not state.exists() or state.read_text().split()[2] == "Z"


def test_workers_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    code = """
import os, time
from neuromosaic.core.execution.processes import ProcessExecutor
def work(path):
    open(path, "w").write(str(os.getpid()))
    time.sleep(60)
for _ in ProcessExecutor(1).execute_trials(work, ["pid"]): pass
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    host = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=environment)
    deadline = time.monotonic() + 30
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    host.kill()
    host.wait()
    worker = Path(f"/proc/{(tmp_path / 'pid').read_text()}")
    while worker.exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_what_cannot_travel_is_an_error_or_stays_here() -> None:
    lock = threading.Lock()
    with pytest.raises(ExecutorError, match="cannot travel to workers"):
        list(ProcessExecutor().execute_trials(lambda x: lock, [1]))
    executor = ProcessExecutor(1)
    [(_, failure)] = executor.execute_trials(lambda x: (y for y in ()), [1])
    executor.shutdown()
    assert failure.cause == "result"


def test_a_search_whose_evaluator_cannot_travel_goes_on_here_and_says_so() -> None:
    lock = threading.Lock()

    def guarded(point: dict[str, Any]) -> float:
        with lock:
            return float(point["y"])

    search = ArchitectureSearch(space=SPACE, evaluator=guarded, strategy="grid", executor="processes", max_trials=8)
    assert len(search.run()) == 8
    assert search.summary()["complete"] == 8
    assert "cannot travel" in search.summary()["notes"][0]["because"]


# ------------------------------------------------------------ what is not there


@pytest.mark.parametrize(("name", "library"), [("ray", "ray"), ("dask", "distributed")])
def test_what_is_not_installed_falls_back_visibly_and_on_record(
    name: str, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ExecutorError, match=rf"pip install 'neuromosaic\[{name}\]'"):
        make_executor(name, strict=True)
    search = ArchitectureSearch(
        space=SPACE, evaluator=lambda p: float(p["y"]), strategy="grid", executor=name, max_trials=8, max_workers=1
    )
    with pytest.warns(ExecutorWarning, match="run by the executor 'processes' instead"):
        search.run()
    (note,) = search.summary()["notes"]
    assert (note["asked"], note["executor"]) == (name, "processes")


def test_where_no_process_can_be_started_trials_run_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    search = ArchitectureSearch(
        space=SPACE, evaluator=lambda p: float(p["y"]), strategy="grid", executor="processes", max_trials=8
    )
    search.run()
    assert search.summary()["complete"] == 8
    assert "cannot start a process" in search.summary()["notes"][0]["because"]


def test_unknown_names_are_refused_and_own_ones_known() -> None:
    with pytest.raises(SearchError, match="did you mean 'processes'"):
        make_executor("process")
    register_executor("mine", lambda settings: ThreadExecutor(settings.max_workers))
    placed = make_executor("mine", Settings(max_workers=5))
    assert (placed.executor.max_workers, placed.because) == (5, "")


def test_an_executor_of_ones_own_may_be_an_object() -> None:
    class Backwards:
        def execute_trials(self, trial_fn: Any, configs: Any) -> Any:
            for config in configs:
                yield config, trial_fn(config)

        def shutdown(self) -> None:
            raise AssertionError("it is its owner's to shut down")

    search = ArchitectureSearch(
        space=SPACE, evaluator=lambda p, report: float(not report(1, p["y"])), executor=Backwards(),
        strategy="grid", max_trials=8,
    )  # fmt: skip
    assert len(search.run()) == 8


# ------------------------------------------------------------ outcomes, reports


@pytest.mark.parametrize(
    ("error", "cause", "again"),
    [
        (ValueError("x"), "raised", False), (MemoryError(), "memory", False), (WrongResult("x"), "result", False),
        (InfrastructureError("x"), "infrastructure", True), (WorkerError("x"), "crash", True),
        (WorkerError("x", "timeout"), "timeout", False), (WorkerError("x", "setup"), "infrastructure", True),
    ],
)  # fmt: skip
def test_each_error_has_its_cause(error: Exception, cause: str, again: bool) -> None:
    failure = failure_of(error)
    assert (failure.cause, failure.is_infrastructure) == (cause, again)


def test_a_report_travels_and_is_answered_and_strangers_are_not_listened_to() -> None:
    from multiprocessing import AuthenticationError
    from multiprocessing.connection import Client

    heard: list[tuple[int, int, Any]] = []

    def handler(trial: int, step: int, metrics: Any) -> bool:
        heard.append((trial, step, metrics))
        return step > 1

    server = ReportServer(handler)
    line = server.line(7)
    assert (line(1, {"v": 0.5}), line(2, {"v": 0.25})) == (False, True)
    with pytest.raises((AuthenticationError, OSError, EOFError)):
        Client(server.address, authkey=b"guess").recv_bytes()
    assert line(3, {"v": 0.0})
    server.close()
    assert heard == [(7, 1, {"v": 0.5}), (7, 2, {"v": 0.25}), (7, 3, {"v": 0.0})]


# ------------------------------------------------------------ Ray and Dask, the real ones


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "library"), [("ray", "ray"), ("dask", "distributed")])
def test_the_real_engines_pass_the_suite(name: str, library: str) -> None:
    if not installed(library):
        pytest.skip(f"{library} is not installed: the extra {name!r}")
    check_executor(lambda: make_executor(name, Settings(2), strict=True).executor)


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "library"), [("ray", "ray"), ("dask", "distributed")])
def test_a_search_runs_on_the_real_engines(name: str, library: str) -> None:
    if not installed(library):
        pytest.skip(f"{library} is not installed: the extra {name!r}")

    def reporting(point: dict[str, Any], report: Callable[[int, float], bool]) -> float:
        return float(point["y"]) if not any(report(step, point["y"]) for step in range(1, 4)) else -1.0

    search = ArchitectureSearch(
        space=SearchSpace({"y": {"type": "int", "min": 0, "max": 1000}}),
        evaluator=reporting,
        strategy="random",
        executor=name,
        pruner="median",
        max_trials=24,
        strict=True,
    )
    trials = search.run()
    assert search.summary()["notes"] == []
    assert search.best.metrics["value"] == max(trial.point["y"] for trial in trials)
    assert search.summary()["pruned"] > 0


@contextmanager
def ray_cluster() -> Iterator[str]:
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
    try:
        yield cluster.address
    finally:
        cluster.shutdown()


@contextmanager
def dask_cluster() -> Iterator[str]:
    from distributed import LocalCluster

    settings = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with LocalCluster(host="127.0.0.1", **settings) as cluster:
        yield cluster.scheduler_address


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("name", "library", "cluster"), [("ray", "ray", ray_cluster), ("dask", "distributed", dask_cluster)]
)
def test_a_cluster_at_an_address_is_used_and_left_running(name: str, library: str, cluster: Any) -> None:
    if not installed(library):
        pytest.skip(f"{library} is not installed: the extra {name!r}")

    def reporting(point: dict[str, Any], report: Callable[[int, float], bool]) -> dict[str, float]:
        stopped = any(report(step, point["y"]) for step in range(1, 4))
        return {"value": float(point["y"]), "stopped": float(stopped), "process": float(os.getpid())}

    with cluster() as address:
        for seed in range(2):  # the second finds the cluster as the first left it
            search = ArchitectureSearch(
                space=SPACE, evaluator=reporting, strategy="grid", objectives="value", executor=name, address=address,
                pruner="median", max_trials=8, strict=True, seed=seed,
            )  # fmt: skip
            trials = search.run()
            assert search.summary()["notes"] == []
            assert {trial.state for trial in trials} <= {"complete", "pruned"}
            assert os.getpid() not in {int(trial.metrics.get("process", 0)) for trial in trials}


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_does_not_answer_is_told() -> None:
    if not installed("distributed"):
        pytest.skip("distributed is not installed: the extra 'dask'")
    with pytest.raises(ExecutorError, match=r"Dask at tcp://127\.0\.0\.1:9 is not reachable"):
        make_executor("dask", Settings(2, address="tcp://127.0.0.1:9"), strict=True)
