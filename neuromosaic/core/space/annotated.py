"""The space that a constructor's annotations describe."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from neuromosaic.core.errors import SpaceError
from neuromosaic.core.space.parameters import Point, Scalar
from neuromosaic.core.space.space import SearchSpace


@dataclass(frozen=True)
class Range:
    """`Annotated[int, Range(8, 64, step=8)]`: whole or real numbers from `min` to `max`, both included."""

    min: float
    max: float
    step: int | None = None
    log: bool = False


class Ordinal:
    """`Annotated[int, Ordinal(1, 2, 4, 8)]`: one of values that stand in an order."""

    def __init__(self, *values: Scalar) -> None:
        self.values = values


class When:
    """`Annotated[int, Range(1, 4), When(norm=True)]`: part of a point only where others have these values."""

    def __init__(self, **conditions: Scalar | tuple[Scalar, ...]) -> None:
        self.conditions: Mapping[str, Any] = MappingProxyType(conditions)


def space_of(
    constructor: Callable[..., Any], constraints: Sequence[str | Callable[[Point], Any]] = (), *, name: str = ""
) -> SearchSpace:
    """The space over the arguments of a class (or function), of which a point builds one: `constructor(**point)`.

    Searched are arguments annotated with `Range`, `Ordinal`, `Literal[...]` or bool; an argument that is searched
    only under a condition (`When`), and every other argument, needs a default.

    >>> class Net:
    ...     def __init__(self, width: Annotated[int, Range(8, 64, step=8)], act: Literal["relu", "gelu"], bias: bool):
    ...         self.width = width
    >>> space_of(Net).size()
    32

    Raises SpaceError naming the argument.
    """
    target: Any = vars(constructor).get("__init__") if isinstance(constructor, type) else constructor
    try:
        hints = get_type_hints(target, include_extras=True)
        arguments = inspect.signature(constructor).parameters
    except (NameError, TypeError, ValueError) as error:
        raise SpaceError(f"{constructor}: its annotations cannot be read: {error}") from None
    parameters = {}
    for argument in arguments.values():
        described = _described(argument.name, hints.get(argument.name))
        has_default = argument.default is not argument.empty or argument.kind in (
            argument.VAR_POSITIONAL, argument.VAR_KEYWORD,
        )  # fmt: skip
        if (described is None or "when" in described) and not has_default:
            raise SpaceError(f"{argument.name}: give it a range, choices or a default")
        if described is not None:
            parameters[argument.name] = described
    return SearchSpace(parameters, constraints, name=name, build=lambda point: constructor(**point))


def _described(name: str, hint: Any) -> dict[str, Any] | None:
    """The parameter that an annotation means; None for one that is not searched."""
    kind, *notes = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    found = _values(name, kind, notes)
    conditions = {key: value for note in notes if isinstance(note, When) for key, value in note.conditions.items()}
    if conditions and found is None:
        raise SpaceError(f"{name}: When needs a range or choices beside it")
    return {**found, "when": conditions} if found and conditions else found


def _values(name: str, kind: Any, notes: Sequence[Any]) -> dict[str, Any] | None:
    for note in notes:
        if isinstance(note, Ordinal):
            return {"type": "ordinal", "values": note.values}
        if isinstance(note, Range):
            return _numbers(name, kind, note)
    if kind is bool:
        return {"type": "bool"}
    return {"type": "categorical", "values": get_args(kind)} if get_origin(kind) is Literal else None


def _numbers(name: str, kind: Any, note: Range) -> dict[str, Any]:
    if kind not in (int, float):
        raise SpaceError(f"{name}: a Range is of int or float, not {kind}")
    if kind is float and note.step is not None:
        raise SpaceError(f"{name}: a float has no step")
    step = {} if note.step is None else {"step": note.step}
    return {"type": kind.__name__, "min": note.min, "max": note.max, "log": note.log, **step}
