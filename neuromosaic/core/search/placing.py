"""Where a search's trials run, what comes back from there, and where they keep what they pause with."""

import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from neuromosaic.core.errors import SearchError
from neuromosaic.core.execution.catalogue import Placed, Settings, make_executor
from neuromosaic.core.protocols import BaseExecutor
from neuromosaic.core.search.blaming import blaming
from neuromosaic.core.search.evaluator import Assignment
from neuromosaic.core.search.wanted import Wanted


def placed_for(wanted: Wanted, executor: str | BaseExecutor, settings: Settings, strict: bool) -> Placed:
    """The executor that was asked for, or what stands in for it, and why. Raises SearchError for what is none."""
    if not isinstance(executor, str):
        for method in ("execute_trials", "shutdown"):
            if not callable(getattr(executor, method, None)):
                raise SearchError(f"executor: {type(executor).__name__} has no method {method}")
        return Placed(executor, "")
    if executor != "sequential" and not wanted.travels:
        return Placed(make_executor("sequential").executor, "parallel_evaluation is off for this type")
    return make_executor(executor, settings, strict)


def returned(
    executor: BaseExecutor, trial_fn: Callable[[Assignment], Any], configs: Iterable[Assignment]
) -> Iterator[tuple[Assignment, Any]]:
    """Assignments with what became of them, as the executor gives them. Raises SearchError where it gives something
    else, or breaks down."""
    with blaming("executor", executor, "to run the trials"):
        for given in executor.execute_trials(trial_fn, configs):
            if not (isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], Assignment)):
                said = f"{type(executor).__name__}.execute_trials gave {given!r}"
                raise SearchError(f"executor: {said}, not a config with what became of it, as a pair")
            yield given


def folder_of(owner: object) -> Path:
    """A folder that goes when its owner goes."""
    folder = tempfile.mkdtemp(prefix="neuromosaic-")
    weakref.finalize(owner, shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
