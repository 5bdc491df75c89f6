"""`neuromosaic runs`, `show`, `stop`, `delete`, `gc`, `data`: looking at what there is."""

import json
import sys
import time
from pathlib import Path
from typing import Any

from neuromosaic.core.brief import Brief
from neuromosaic.core.results import Results
from neuromosaic.core.store.store import RunRecord, Store
from neuromosaic.delivery.narration import narrate
from neuromosaic.workflows import runs

WIDE = 110
KEPT_WHOLE = ("parameters", "latency")
NARROWEST = 9
"""Columns of the table that may be broken: a figure still stands on one line, however long the names are."""
SPARED = ("designed by", "memory")
"""A terminal of fewer columns than `WIDE` goes without these."""


def list_runs(root: Path, *, as_json: bool) -> None:
    store = Store(root)
    records = [record._replace(status=runs.status_of(store, record)) for record in store.runs()]
    if as_json:
        _print_json([{**record._asdict(), "options": None} | {"sentence": _said(record)} for record in records])
        return
    if not records:
        print(f"no runs in {root} yet", file=sys.stderr)
    for record in records:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(record.created))
        print(f"{record.id}  {when}  {record.status:11}  {_said(record)}")


def show(root: Path, run: str, *, as_json: bool) -> None:
    """Everything that a run has come to so far."""
    store = Store(root)
    record = store.run(run)
    record = record._replace(status=runs.status_of(store, record))
    events = store.events(record.id)
    results = store.step(record.id, "results")
    if as_json:
        history = [{"time": event.time, "kind": event.kind, **event.data} for event in events]
        _print_json({"run": record.id, "status": record.status, "brief": record.brief, "results": results,
                     "events": history})  # fmt: skip
        return
    print(f"{record.id}: {record.status}\n{_said(record)}\n")
    for event in events:
        line = narrate(event.kind, event.data)
        if line:
            print(f"{time.strftime('%H:%M:%S', time.localtime(event.time))}  {line}")
    if results:
        print_results(Results.model_validate(results))
    elif (asked := runs.question(store, record.id)) is not None:
        print_question(asked)


def stop(root: Path, run: str) -> None:
    store = Store(root)
    record = store.run(run)
    if (status := runs.status_of(store, record)) != "running":
        print(f"run {record.id} is not at work: it is {status}", file=sys.stderr)
        return
    runs.request_stop(store, record.id)
    print(f"asked {record.id} to stop with the best so far", file=sys.stderr)


def delete(root: Path, run: str) -> None:
    store = Store(root)
    record = store.run(run)
    runs.delete(store, record.id)
    print(f"deleted {record.id}; `neuromosaic gc` frees its files", file=sys.stderr)


def collect_garbage(root: Path, *, as_json: bool) -> None:
    files, size = Store(root).collect_garbage()
    if as_json:
        _print_json({"files": files, "bytes": size})
    else:
        print(f"deleted {files} files, {size / 1e6:.1f} MB", file=sys.stderr)


def describe_data(ref: str, target: str | None, group: str | None, when: str | None, *, as_json: bool) -> None:
    """What is understood of a data set, before anything is designed for it."""
    from neuromosaic.core.evaluation.data.dataset import describe
    from neuromosaic.core.evaluation.data.loading import load_dataset
    from neuromosaic.interfaces.showing_data import lines

    said = describe(load_dataset(Brief(data=ref, target=target, group=group, time=when)))
    if as_json:
        _print_json(said)
        return
    print("\n".join(lines(said)))


def print_question(asked: dict[str, Any]) -> None:
    """The brief as understood, what was not, and what must be asked; on stderr."""
    import yaml

    if "pull_request" in asked:
        planned = yaml.safe_dump(asked["pull_request"], sort_keys=False, allow_unicode=True)
        print(f"The pull request as it would be:\n\n{planned}", file=sys.stderr)
        return
    known = {name: value for name, value in asked["brief"].items() if value not in (None, "", {})}
    lines = ["The brief as understood:", "", yaml.safe_dump(known, sort_keys=False, allow_unicode=True)]
    lines += [f"Not understood: {phrase}" for phrase in asked["not_understood"]]
    lines += [f"Question: {question}" for question in asked["questions"]]
    print("\n".join(lines), file=sys.stderr)


def print_results(results: Results) -> None:
    """The Pareto set against the brief, on stdout."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from neuromosaic.delivery.text import rows, verdict_lines

    headers, body = rows(results)
    table = Table(title=f"Run {results.run}: {results.status}", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    console = Console(highlight=False)
    shown = [place for place, header in enumerate(headers) if console.width >= WIDE or header not in SPARED]
    for place in shown:
        table.add_column(headers[place], overflow="fold", no_wrap=headers[place] in KEPT_WHOLE, min_width=NARROWEST)
    for row in body:
        table.add_row(*(row[place] for place in shown))
    console.print(table)
    for line in verdict_lines(results):
        console.print(line, markup=False)


def _said(record: RunRecord) -> str:
    return str(record.brief.get("sentence") or record.brief.get("data") or "").splitlines()[0]


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))
