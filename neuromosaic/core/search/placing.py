"""Where a search's trials run, and where they keep what they pause with."""

import shutil
import tempfile
import weakref
from pathlib import Path

from neuromosaic.core.execution.catalogue import Placed, Settings, make_executor
from neuromosaic.core.protocols import BaseExecutor
from neuromosaic.core.search.wanted import Wanted


def placed_for(wanted: Wanted, executor: str | BaseExecutor, settings: Settings, strict: bool) -> Placed:
    """The executor that was asked for, or what stands in for it, and why."""
    if not isinstance(executor, str):
        return Placed(executor, "")
    if executor != "sequential" and not wanted.travels:
        return Placed(make_executor("sequential").executor, "parallel_evaluation is off for this type")
    return make_executor(executor, settings, strict)


def folder_of(owner: object) -> Path:
    """A folder that goes when its owner goes."""
    folder = tempfile.mkdtemp(prefix="neuromosaic-")
    weakref.finalize(owner, shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
