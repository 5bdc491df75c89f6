"""How a search is set up, as data: what a resumed search must have in common with the one that began."""

import hashlib
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from neuromosaic.core.errors import SearchError
from neuromosaic.core.space.constraints import FunctionConstraint
from neuromosaic.core.space.space import SearchSpace

UNSAID = {"precision": "float32"}
"""What a search was set up with where its document does not say it."""


def check_budget(max_trials: int | None, max_time: float | None, trial_timeout: float | None) -> None:
    """Raises SearchError where a search would never end, or never begin."""
    if max_trials is None and max_time is None:
        raise SearchError("give max_trials or max_time: a search without either never ends")
    for what, given in {"max_trials": max_trials, "max_time": max_time, "trial_timeout": trial_timeout}.items():
        if given is not None and not given > 0:
            raise SearchError(f"{what}: must be above 0, not {given!r}")


def space_document(space: SearchSpace) -> dict[str, Any]:
    """The space as JSON data, functions by their name and a hash of their source."""
    document = space.to_dict()
    document.pop("opaque", None)
    functions = [one.function for one in space.constraints if isinstance(one, FunctionConstraint)]
    document["constraints"] = [*document["constraints"], *map(_described, functions)]
    return document


def _described(function: Any) -> str:
    name = getattr(function, "__qualname__", type(function).__name__)
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):
        return f"function {name}"
    return f"function {name} ({hashlib.sha256(source.encode()).hexdigest()[:8]})"


def check_unchanged(before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raises SearchError saying what changed between the search that began and the one that is to go on with it."""
    changes = [*_changes(before, now)]
    if changes:
        raise SearchError(f"cannot resume: {'; '.join(changes)}; change it back, or begin a new search")


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    yield from _space_changes(before["space"], now["space"])
    for name in sorted((before.keys() | now.keys()) - {"space"}):
        old, new = (document.get(name, UNSAID.get(name)) for document in (before, now))
        if old != new:
            yield f"{name} was {old!r} and is {new!r}"


def _space_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    old, new = before["parameters"], now["parameters"]
    for name in [*old, *(name for name in new if name not in old)]:
        if name not in new:
            yield f"the space lost the parameter {name!r}"
        elif name not in old:
            yield f"the space has a new parameter {name!r}"
        elif old[name] != new[name]:
            yield f"parameter {name!r} of the space was {_differing(old[name], new[name])}"
    if list(old) != list(new) and set(old) == set(new):
        yield "the parameters of the space stand in another order"
    lost = [text for text in before["constraints"] if text not in now["constraints"]]
    gained = [text for text in now["constraints"] if text not in before["constraints"]]
    yield from (f"the space lost the constraint {text!r}" for text in lost)
    yield from (f"the space has a new constraint {text!r}" for text in gained)


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    said = [f"{key} {old.get(key)!r}" for key in keys]
    became = [f"{key} {new.get(key)!r}" for key in keys]
    return f"{', '.join(said)} and is {', '.join(became)}"
