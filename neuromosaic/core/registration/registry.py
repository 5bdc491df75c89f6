"""The names under which architecture types are known, in this process and from installed packages."""

import warnings
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from neuromosaic.core.errors import NotFoundError, SpaceError
from neuromosaic.core.registration.checks import faults_of
from neuromosaic.core.registration.types import Registration, RegistrationWarning, read_options
from neuromosaic.core.space.space import SearchSpace
from neuromosaic.core.spelling import suggest

GROUP = "neuromosaic.architectures"

_known: dict[str, Registration] = {}


def register_architecture(
    *,
    name: str,
    architecture_class: type,
    search_space: SearchSpace,
    encoder_class: type | None = None,
    evaluator_class: type | None = None,
    options: Mapping[str, Any] | None = None,
) -> Registration:
    """Makes an architecture type known under `name`, after checking it on samples of its space.

    `architecture_class` has `to_model()`, `to_dict()` and the classmethod `from_dict(config)`, which is given points
    of `search_space`; `encoder_class` has `encode(architecture)` and `decode(vector)` (None: the space's own
    encoder); `evaluator_class` has `evaluate(architecture)`, which returns a mapping of names to figures. The latter
    two are made without arguments. `options`: see `Options`. The same type may be registered again.

    Raises SpaceError naming the method and the fault; warns (RegistrationWarning) of what can work anyway.
    """
    if not isinstance(name, str) or not name:
        raise SpaceError(f"name: {name!r} is no name")
    if not isinstance(search_space, SearchSpace):
        raise SpaceError(f"search_space: give a SearchSpace, not {type(search_space).__name__}")
    found = Registration(
        name, architecture_class, encoder_class, evaluator_class, search_space, read_options(options)
    )
    _check_name_is_free(found)
    faults = list(faults_of(found))
    errors = [fault for fault in faults if fault.severity == "error"]
    if errors:
        raise SpaceError("; ".join(f"{name}: {fault.where}: {fault.message}" for fault in errors))
    for fault in faults:
        warnings.warn(f"{name}: {fault.where}: {fault.message}", RegistrationWarning, stacklevel=2)
    _known[name] = found
    return found


def _check_name_is_free(new: Registration) -> None:
    old = _known.get(new.name)
    if old is not None and _path(old.architecture_class) != _path(new.architecture_class):
        raise SpaceError(f"name: {new.name!r} is taken by {_path(old.architecture_class)}; choose another")


def _path(kind: Any) -> str:
    return f"{getattr(kind, '__module__', '')}.{getattr(kind, '__qualname__', kind)}"


def registered(name: str) -> Registration:
    """The type of that name: registered in this process, or by an installed package's entry point.

    An entry point of the group "neuromosaic.architectures" bears the type's name; it is a function that registers,
    a mapping of `register_architecture`'s arguments, or a module that registers when imported. Raises NotFoundError
    for a name that nobody knows, SpaceError where an entry point fails.
    """
    if name not in _known:
        for entry in entry_points(group=GROUP, name=name):
            _load(entry)
    if name not in _known:
        raise NotFoundError(f"no architecture type {name!r} is registered{suggest(name, registered_names())}")
    return _known[name]


def registered_names() -> tuple[str, ...]:
    """All names, those of entry points included, in order."""
    return tuple(sorted({*_known, *(entry.name for entry in entry_points(group=GROUP))}))


def _load(entry: EntryPoint) -> None:
    try:
        found = entry.load()
        if isinstance(found, Mapping):
            register_architecture(**{"name": entry.name, **found})
        elif callable(found):
            found()
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise SpaceError(f"the entry point {entry.name} = {entry.value} failed: {said}") from error
    if entry.name not in _known:
        raise SpaceError(f"the entry point {entry.name} = {entry.value} registered no type of that name")


def forget(name: str) -> None:
    """Takes a type out again."""
    _known.pop(name, None)
