"""Runs: start, resume, answer, stop, delete. Chat, CLI, web and API are faces of these."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from neuromosaic.core.brief import Brief
from neuromosaic.core.errors import Interrupted, UsageError, WaitingForApproval
from neuromosaic.core.results import Results
from neuromosaic.core.store.store import RunRecord, Store
from neuromosaic.core.workers.boundary import Accepted
from neuromosaic.workflows.bench import Workbench
from neuromosaic.workflows.options import Options

FINISHED = {"met", "not met", "stopped"}
ENDINGS = {WaitingForApproval: "waiting", Interrupted: "interrupted", KeyboardInterrupt: "interrupted"}
"""Any other error: "failed"."""


def create(store: Store, brief: Brief, options: Options) -> str:
    """A new run, not yet begun; its id."""
    run = store.create_run(brief.model_dump(mode="json"), options.model_dump(mode="json"))
    store.add_event(run, "run.created", sentence=brief.sentence)
    return run


def accept_boundary(store: Store, run: str, boundary: Accepted) -> None:
    """From here on the run accepts that boundary around proposed code."""
    options = Options.model_validate(store.run(run).options)
    store.set_options(run, options.model_copy(update={"boundary": boundary}).model_dump(mode="json"))


def carry_on(bench: Workbench, answer: dict[str, Any] | None = None) -> Results:
    """Works on the run from wherever it stands until it ends.

    `answer` goes to what the run waits for: {"approve": True, "brief": {...}} or {"answer": "..."}.
    Raises WaitingForApproval where it needs a person, RunFailedError where there is no network in the end.
    """
    record = bench.store.run(bench.run)
    if record.status in FINISHED:
        return stored_results(bench.store, bench.run)
    if record.status == "waiting" and answer is None:
        raise waiting(bench.store, bench.run)
    with _alone(bench.store.root, bench.run), _status_kept(bench):
        _invoke(bench, answer)
    results = stored_results(bench.store, bench.run)
    bench.store.set_status(bench.run, results.status)
    bench.tell("run.finished", status=results.status)
    return results


@contextmanager
def _status_kept(bench: Workbench) -> Iterator[None]:
    """Whatever ends the work, the store says so."""
    bench.store.set_status(bench.run, "running")
    try:
        yield
    except BaseException as error:
        status = ENDINGS.get(type(error), "failed")
        bench.store.set_status(bench.run, status)
        bench.tell(f"run.{status}", reason=str(error) or type(error).__name__)
        raise


def status_of(store: Store, record: RunRecord) -> str:
    """The run's status; one whose process has died is "interrupted", whatever it could still write."""
    if record.status != "running":
        return record.status
    try:
        with _alone(store.root, record.id):
            return "interrupted"
    except UsageError:
        return "running"


def stored_results(store: Store, run: str) -> Results:
    """Raises UsageError for a run that has none yet."""
    step = store.step(run, "results")
    if step is None:
        raise UsageError(f"run {run} has no results yet: `neuromosaic resume {run}` goes on with it")
    return Results.model_validate(step)


def waiting(store: Store, run: str) -> WaitingForApproval:
    return WaitingForApproval(
        f"run {run} waits for approval of its {_asked_about(store, run)}: `neuromosaic approve {run}` goes on "
        f"(with --edit after mending it), "
        f'`neuromosaic answer {run} "..."` says what is missing'
    )


def _asked_about(store: Store, run: str) -> str:
    asked = [event.data for event in store.events(run) if event.kind == "run.asks"]
    return "pull request" if asked and "pull_request" in asked[-1] else "brief"


def question(store: Store, run: str) -> dict[str, Any] | None:
    """What a waiting run asks: the brief as understood, what was not, and questions."""
    asked = [event.data for event in store.events(run) if event.kind == "run.asks"]
    return asked[-1] if asked and store.run(run).status == "waiting" else None


def request_stop(store: Store, run: str) -> None:
    """Asks whichever process works on the run to end it with the best so far."""
    store.add_event(run, "stop.requested")


def _invoke(bench: Workbench, answer: dict[str, Any] | None) -> None:
    with _compiled(bench) as graph:
        config = {"configurable": {"thread_id": bench.run}, "max_concurrency": 8, "recursion_limit": 1000}
        from langgraph.types import Command

        begun = bool(graph.get_state(config).values or graph.get_state(config).next)
        entry: Any = Command(resume=answer) if answer is not None else (None if begun else {"round": 0})
        final = graph.invoke(entry, config, durability="sync")
        for asked in final.get("__interrupt__", ()):
            bench.tell("run.asks", **asked.value)
            raise waiting(bench.store, bench.run)


@contextmanager
def _compiled(bench: Workbench) -> Iterator[Any]:
    """The workflow on its SQLite saver: every finished node is on disk before the next begins."""
    from neuromosaic.workflows.design import design_graph

    with _checkpoints(bench.store.root) as saver:
        yield design_graph(bench).compile(checkpointer=saver)


@contextmanager
def _checkpoints(root: Path) -> Iterator[Any]:
    os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"  # checkpoints hold plain values only; read at import
    from langgraph.checkpoint.sqlite import SqliteSaver

    connection = sqlite3.connect(root / "workflow.sqlite", check_same_thread=False, timeout=30)
    try:
        yield SqliteSaver(connection)
    finally:
        connection.close()


@contextmanager
def _alone(root: Path, run: str) -> Iterator[None]:
    """One process at a time works on a run; the lock goes with the process, also when it is killed."""
    from filelock import FileLock, Timeout

    try:
        with FileLock(root / f"{run}.lock", timeout=0):
            yield
    except Timeout:
        raise UsageError(f"another process works on run {run}: wait for it, or `neuromosaic stop {run}`") from None


def delete(store: Store, run: str) -> None:
    """The run's rows and its workflow state. Raises UsageError while a process works on it."""
    with _alone(store.root, run), _checkpoints(store.root) as saver:
        saver.delete_thread(run)
        store.delete_run(run)
    (store.root / f"{run}.lock").unlink(missing_ok=True)
