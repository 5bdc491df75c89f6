"""Executors by name, and what stands in for one that cannot be had."""

import warnings
from collections.abc import Callable
from typing import NamedTuple

from neuromosaic.core.errors import ExecutorError, SearchError
from neuromosaic.core.protocols import BaseExecutor
from neuromosaic.core.spelling import suggest


class ExecutorWarning(UserWarning):
    """Trials run somewhere else than was asked for."""


class Settings(NamedTuple):
    """`max_workers`: trials at a time; `trial_timeout`: seconds that one may take; `address`: of a cluster."""

    max_workers: int = 2
    trial_timeout: float | None = None
    address: str | None = None


class Placed(NamedTuple):
    """An executor, and why it is not the one that was asked for ("" where it is)."""

    executor: BaseExecutor
    because: str


def _sequential(settings: Settings) -> BaseExecutor:
    if settings.trial_timeout is not None:  # only a process can be stopped
        return _processes(settings._replace(max_workers=1))
    from neuromosaic.core.execution.sequential import SequentialExecutor

    return SequentialExecutor()


def _threads(settings: Settings) -> BaseExecutor:
    from neuromosaic.core.execution.threads import ThreadExecutor

    return ThreadExecutor(settings.max_workers, settings.trial_timeout)


def _processes(settings: Settings) -> BaseExecutor:
    from neuromosaic.core.execution.processes import ProcessExecutor

    return ProcessExecutor(settings.max_workers, settings.trial_timeout)


def _ray(settings: Settings) -> BaseExecutor:
    from neuromosaic.core.execution.on_ray import RayExecutor

    return RayExecutor(settings.max_workers, settings.trial_timeout, settings.address)


def _dask(settings: Settings) -> BaseExecutor:
    from neuromosaic.core.execution.on_dask import DaskExecutor

    return DaskExecutor(settings.max_workers, settings.trial_timeout, settings.address)


_MAKERS: dict[str, Callable[[Settings], BaseExecutor]] = {
    "sequential": _sequential, "threads": _threads, "processes": _processes, "ray": _ray, "dask": _dask,
}  # fmt: skip
INSTEAD = {"ray": "processes", "dask": "processes", "processes": "sequential"}


def executor_names() -> tuple[str, ...]:
    """The names that `make_executor` knows.

    >>> {"dask", "processes", "ray", "sequential", "threads"} <= set(executor_names())
    True
    """
    return tuple(sorted(_MAKERS))


def register_executor(name: str, factory: Callable[[Settings], BaseExecutor]) -> None:
    """Makes `factory(settings)` known by a name."""
    _MAKERS[name] = factory


def make_executor(name: str, settings: Settings = Settings(), strict: bool = False) -> Placed:  # noqa: B008
    """The executor of that name, or what stands in for it, with a warning: processes, then sequential.

    Raises SearchError for an unknown name; with `strict`, ExecutorError where the one asked for cannot be had.
    """
    if name not in _MAKERS:
        raise SearchError(f"executor: {name!r} is unknown{suggest(str(name), _MAKERS)}")
    because = ""
    while True:
        try:
            return Placed(_MAKERS[name](settings), because)
        except ExecutorError as error:
            if strict or name not in INSTEAD:
                raise
            because = f"{because}; {error}" if because else str(error)
            name = INSTEAD[name]
            warnings.warn(f"{error}: trials run by the executor {name!r} instead", ExecutorWarning, stacklevel=3)


def missing(library: str, extra: str) -> ExecutorError:
    """The error where an optional library is not installed."""
    return ExecutorError(f"{library} is not installed: pip install 'neuromosaic[{extra}]'")
