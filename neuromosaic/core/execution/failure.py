"""How a trial can end without a result."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from neuromosaic.core.errors import InfrastructureError, WorkerError

Cause = Literal["raised", "result", "memory", "timeout", "crash", "infrastructure", "constraint"]
Config = TypeVar("Config")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Failure:
    """Stands in the stream of results where a trial gave none.

    `cause`: the trial's code raised, returned what is no result, ran out of memory, took longer than it may, or
    ended its process; the machinery around it failed; or a constraint forbids that it be run.
    """

    cause: Cause
    message: str

    @property
    def is_infrastructure(self) -> bool:
        """Whether another try may help: the trial itself need not be at fault."""
        return self.cause in ("crash", "infrastructure")


class WrongResult(Exception):
    """What a trial returned is no result."""


def failure_of(error: BaseException) -> Failure:
    """The outcome that an exception from a trial's code stands for."""
    said = f"{type(error).__name__}: {error}"
    if isinstance(error, WrongResult):
        return Failure("result", str(error))
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return Failure("memory", said)
    if isinstance(error, WorkerError):
        known: dict[str, Cause] = {"timeout": "timeout", "memory": "memory", "crash": "crash"}
        return Failure(known.get(error.cause, "infrastructure"), said)
    if isinstance(error, InfrastructureError):
        return Failure("infrastructure", said)
    return Failure("raised", said)


def attempted(trial_fn: Callable[[Config], Result], config: Config) -> Result | Failure:
    """The result of one trial, or what became of it. Ctrl-C in the main thread passes through."""
    try:
        return trial_fn(config)
    except SystemExit as error:
        return Failure("raised", f"SystemExit: {error}")
    except Exception as error:  # noqa: BLE001  a user's own code may raise anything: it becomes an outcome
        return failure_of(error)
