"""Small real runs: three trials on the iris data, by the built-in designer, in a store of their own."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from neuromosaic.core.brief import Brief, Budget, Constraints
from neuromosaic.core.results import Results
from neuromosaic.core.store.store import Event, Store
from neuromosaic.workflows import runs
from neuromosaic.workflows.bench import Workbench
from neuromosaic.workflows.options import Options


def iris(**changes: Any) -> Brief:
    known = {"data": "iris", "budget": Budget(trials=3), "constraints": Constraints(parameters=2000)}
    return Brief.model_validate({**known, **changes})


@contextmanager
def at_work(store: Store, run: str, observe: Callable[[Event], None] | None = None) -> Iterator[Workbench]:
    bench = Workbench(store, run, observe)
    try:
        yield bench
    finally:
        bench.close()


def design(root: Path, brief: Brief, observe: Callable[[Event], None] | None = None, **options: Any) -> Results:
    store = Store(root / "store")
    run = runs.create(store, brief, Options(folder=str(root / "out"), **options))
    with at_work(store, run, observe) as bench:
        return runs.carry_on(bench)


def comparable(results: Results) -> dict[str, Any]:
    """What must be equal bit for bit: ids of runs and evidence, times and memory are exempt."""
    document = json.loads(results.model_dump_json())
    for key in ("run", "environment"):
        document.pop(key)
    return _without(document, {"evidence", "latency_ms", "peak_memory_mb"})


def _without(value: Any, names: set[str]) -> Any:
    if isinstance(value, dict):
        if value.get("name") == "latency_ms":
            return None
        return {key: _without(inner, names) for key, inner in value.items() if key not in names}
    return [_without(inner, names) for inner in value] if isinstance(value, list) else value


class Finished:
    """A finished run with its store and results."""

    def __init__(self, root: Path, results: Results) -> None:
        self.root, self.results = root, results
        self.store = Store(root / "store")

    @classmethod
    def read(cls, root: Path) -> "Finished":
        return cls(root, Results.model_validate_json((root / "returned.json").read_text()))

    @property
    def events(self) -> list[Event]:
        return self.store.events(self.results.run)

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]
