"""Parameters from data, with faults told by their path."""

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError

from neuromosaic.core.errors import SpaceError
from neuromosaic.core.space.parameters import (
    FloatParameter,
    IntParameter,
    Parameter,
    Space,
    choices,
    parents_first,
    same,
)
from neuromosaic.core.spelling import suggest

KINDS: dict[str, type[BaseModel]] = {
    kind.model_fields["type"].default: kind for kind in get_args(get_args(Parameter)[0])
}
LARGEST = 2**53
_ANY: TypeAdapter[Any] = TypeAdapter(Parameter)


def read_parameters(document: Any, path: str = "parameters") -> Space:
    """The parameters that `{"width": {"type": "int", "min": 8, "max": 64}, ...}` describes, sound as a whole.

    Raises SpaceError naming every fault with its path ("parameters.width.min: ...").
    """
    if not isinstance(document, Mapping):
        raise SpaceError(f"{path}: give a mapping of names to parameters, not {type(document).__name__}")
    space: Space = {}
    for name, given in document.items():
        if not isinstance(name, str) or not name:
            raise SpaceError(f"{path}: {name!r} is no name: a parameter is called by text")
        space[name] = _parameter(given, f"{path}.{name}")
    for name, parameter in space.items():
        _check_conditions(space, name, parameter, f"{path}.{name}")
    try:
        parents_first(space)
    except ValueError as error:
        raise SpaceError(f"{path}.{error}") from None
    return space


def _parameter(given: Any, path: str) -> Parameter:
    if isinstance(given, tuple(KINDS.values())):
        return _checked(given, path)
    if not isinstance(given, Mapping):
        raise SpaceError(f"{path}: give a mapping such as {{'type': 'int', 'min': 1, 'max': 8}}, not {given!r}")
    kind = given.get("type")
    if not isinstance(kind, str) or kind not in KINDS:
        known = ", ".join(KINDS)
        hint = suggest(kind, KINDS) if isinstance(kind, str) else f" (known: {known})"
        raise SpaceError(f"{path}.type: {kind!r} is no kind of parameter{hint}")
    try:
        return _checked(_ANY.validate_python(dict(given)), path)
    except ValidationError as error:
        fields = KINDS[kind].model_fields
        faults = [_words(fault, path, fields) for fault in error.errors()]
        raise SpaceError("; ".join(dict.fromkeys(faults))) from None


def _words(fault: Any, path: str, fields: Mapping[str, Any]) -> str:
    place = [str(part) for part in fault["loc"][1:] if str(part) not in ("bool", "int", "float", "str")]
    where = ".".join([path, *place])
    if fault["type"] == "extra_forbidden":
        return f"{where}: unknown key{suggest(place[-1], fields)}"
    return f"{where}: {fault['msg'].removeprefix('Value error, ')}"


def _checked(parameter: Any, path: str) -> Parameter:
    if isinstance(parameter, (IntParameter, FloatParameter)):
        if not (abs(parameter.min) <= LARGEST and abs(parameter.max) <= LARGEST):
            raise SpaceError(f"{path}: min and max must be numbers of at most 2^53 in size")
    else:
        values = list(choices(parameter))
        for number, value in enumerate(values):
            if value != value:
                raise SpaceError(f"{path}.values.{number}: NaN cannot be a value")
            if any(same(value, other) for other in values[:number]):
                raise SpaceError(f"{path}.values.{number}: {value!r} stands there twice")
    return parameter  # type: ignore[no-any-return]


def _check_conditions(space: Space, name: str, parameter: Parameter, path: str) -> None:
    for other, values in parameter.conditions():
        where = f"{path}.when.{other}"
        if other not in space:
            raise SpaceError(f"{where}: {other!r} is no parameter{suggest(other, space.keys() - {name})}")
        if isinstance(space[other], FloatParameter):
            raise SpaceError(f"{where}: a condition cannot be about a float; use a bool or a choice")
        if not values:
            raise SpaceError(f"{where}: an empty list of values can never hold")
        for value in values:
            if not space[other].contains(value):
                raise SpaceError(f"{where}: {value!r} is no value of {other!r}")
