"""What gives an architecture its figures: a user's class or function, made ready to travel to workers."""

import hashlib
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from neuromosaic.core.errors import SearchError
from neuromosaic.core.execution.failure import WrongResult
from neuromosaic.core.space.parameters import Point

KEYWORDS = ("fidelity", "report", "checkpoint")
Report = Callable[[int, Any], bool]


class BaseEvaluator(ABC):
    """Scores architectures.

    `evaluate` may also take any of the keywords `fidelity` (how much of the budget to give: a whole number of
    steps, as the pruner counts them), `report` (call it with a step and a value, or a mapping of metrics; it answers
    whether to stop) and `checkpoint` (a pathlib.Path: a folder of the trial's own, where a trial that was paused at
    a lower fidelity finds what it left). `canonical`: False where architectures that a space holds for the same
    differ for this evaluator, as isomorphic cells do in some tables.
    """

    canonical: bool = True

    @abstractmethod
    def evaluate(self, architecture: Any) -> Mapping[str, float]:
        """Metrics by name: finite numbers. What it raises becomes the trial's outcome."""


@dataclass(frozen=True)
class Assignment:
    """One evaluation of one trial. `report` answers whether to stop; `checkpoint` is the path of a folder."""

    trial: int
    point: Point
    fidelity: int | None = None
    checkpoint: str | None = None
    report: Report | None = None


@dataclass(frozen=True)
class Evaluation:
    """What is done with an assignment, in whatever process. `figure` names the metric of a bare number."""

    evaluate: Callable[..., Any]
    build: Callable[[Point], Any]
    keywords: frozenset[str]
    figure: str

    def __call__(self, assignment: Assignment) -> dict[str, float]:
        """Metrics as floats. Raises WrongResult for what is neither a number nor a mapping of names to numbers."""
        given = {
            "fidelity": assignment.fidelity,
            "report": self._reporting(assignment.report),
            "checkpoint": _folder(assignment.checkpoint) if "checkpoint" in self.keywords else None,
        }
        architecture = self.build(dict(assignment.point))
        wanted = {name: value for name, value in given.items() if name in self.keywords and value is not None}
        return as_metrics(self.evaluate(architecture, **wanted), self.figure)

    def _reporting(self, report: Report | None) -> Report:
        """What the user's code calls: a value may be a number or several metrics."""
        return lambda step, value: report is not None and report(int(step), as_metrics(value, self.figure))


def _folder(path: str | None) -> Any:
    from pathlib import Path

    if path is None:
        return None
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def as_metrics(returned: Any, figure: str) -> dict[str, float]:
    """A number under the name `figure`, a mapping with its values as floats. Raises WrongResult for all else."""
    if not isinstance(returned, Mapping):
        return {figure: _number(returned, figure)}
    if not returned:
        raise WrongResult("returned no figure at all")
    for name in returned:
        if not isinstance(name, str):
            raise WrongResult(f"returned {name!r} as a figure's name")
    return {name: _number(value, name) for name, value in returned.items()}


def _number(value: Any, name: str) -> float:
    try:
        if isinstance(value, (str, bytes)) or value is None:
            raise TypeError
        return float(value)
    except (TypeError, ValueError):
        raise WrongResult(f"returned {value!r} ({type(value).__name__}) for {name!r}, not a number") from None


# ------------------------------------------------------------ what a user may give


def function_of(evaluator: Any) -> Callable[..., Any]:
    """The callable of an evaluator: its `evaluate`, or the function itself; a class is made without arguments.

    Raises SearchError for what is neither.
    """
    if inspect.isclass(evaluator):
        try:
            evaluator = evaluator()
        except TypeError as error:
            raise SearchError(f"evaluator: {evaluator.__name__} cannot be made without arguments: {error}") from None
    found = getattr(evaluator, "evaluate", evaluator)
    if not callable(found):
        raise SearchError(f"evaluator: give a BaseEvaluator or a function, not {type(evaluator).__name__}")
    return found  # type: ignore[no-any-return]


def keywords_of(function: Callable[..., Any]) -> frozenset[str]:
    """Which of the optional keywords it takes. Raises SearchError where it takes no architecture."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return frozenset()
    keywords = frozenset(name for name in KEYWORDS if name in signature.parameters)
    try:
        signature.bind(None, **dict.fromkeys(keywords))
    except TypeError as error:
        raise SearchError(f"evaluator: cannot be called with one architecture: {error}") from None
    return keywords


def identity_of(function: Callable[..., Any]) -> str:
    """A hash of what the evaluator is: its name, its code, and the state that it was given.

    Figures in a store serve another search only under the same identity. Where the state cannot be read, or reads
    differently in another process, nothing is shared: never the figures of another evaluator.
    """
    owner = getattr(function, "__self__", None)
    subject = type(owner) if owner is not None else function
    try:
        source = inspect.getsource(subject)
    except (OSError, TypeError):
        source = ""
    name = f"{getattr(subject, '__module__', '')}.{getattr(subject, '__qualname__', subject)}"
    hashed = hashlib.sha256(f"{name}\n{source}\n".encode() + _state(function, owner))
    return hashed.hexdigest()[:16]


def _state(function: Any, owner: Any) -> bytes:
    import os

    import cloudpickle

    closure = [cell.cell_contents for cell in getattr(function, "__closure__", None) or ()]
    values = [vars(owner) if hasattr(owner, "__dict__") else {}, getattr(function, "__defaults__", None), closure]
    try:
        return bytes(cloudpickle.dumps(values))
    except Exception:  # noqa: BLE001  what pickling raises depends on the object
        return os.urandom(16)
