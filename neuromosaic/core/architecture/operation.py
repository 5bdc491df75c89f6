"""What an operation is: typed fields, the inputs it takes, and the plan that it makes of them."""

import functools
import inspect
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple

from neuromosaic.core.architecture.calls import Plan, shadow_run
from neuromosaic.core.architecture.library import shadows
from neuromosaic.core.architecture.shadow.tensor import Shape
from neuromosaic.core.errors import ArchitectureError
from neuromosaic.core.spelling import did_you_mean

Scalar = bool | int | float | str


class Range(NamedTuple):
    low: float
    high: float


class Data(NamedTuple):
    """What flows along a connection: its shape without the batch axis; `classes` where it is ids below that."""

    shape: Shape
    classes: int | None = None

    @property
    def width(self) -> int:
        """Channels of an image, features of anything else."""
        return self.shape[0] if len(self.shape) == 3 else self.shape[-1]


class Cost(NamedTuple):
    """What a layer returns and costs: FLOPs of one example (a multiply-add counts as 2)."""

    output: Data
    parameters: int
    flops: int


Width = Annotated[int, Range(1, 65536)]
Kernel = Annotated[int, Range(1, 63)]
Step = Annotated[int, Range(1, 64)]
Count = Annotated[int, Range(1, 1024)]
Share = Annotated[float, Range(0, 0.95)]
Activation = Literal["relu", "gelu", "silu", "tanh", "elu", "hardswish", "leaky_relu", "mish", "sigmoid", "softplus"]
RANKS = {"vector": 1, "sequence": 2, "image": 3, "tokens": 1}


@dataclass(frozen=True)
class Field:
    """`type` is bool, int, float or str; `default` is None where a value must be given."""

    name: str
    type: type
    default: Scalar | None
    range: Range | None
    choices: tuple[Scalar, ...]

    def fault(self, value: object) -> str | None:
        """What is wrong with the value, if anything."""
        right = type(value) is self.type or (self.type is float and type(value) is int)
        if not right:
            return f"must be {_WORDS[self.type]}, not {value!r}"
        if self.choices and value not in self.choices:
            return f"must be one of {', '.join(map(str, self.choices))}, not {value!r}" + did_you_mean(
                str(value), map(str, self.choices)
            )
        if self.range and not self.range.low <= value <= self.range.high:  # type: ignore[operator]
            return f"must lie in [{self.range.low:g}, {self.range.high:g}], not {value!r}"
        return None


_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a word"}


@dataclass(frozen=True)
class Operation:
    """`takes`: the kind of each input, of "image", "sequence", "vector", "tokens" or some joined by "|"; ("*",): two
    or more of any kind but tokens."""

    name: str
    takes: tuple[str, ...]
    fields: Mapping[str, Field]
    plan: Callable[..., Plan]
    description: str

    def check(self, config: Mapping[str, Any], path: str = "") -> dict[str, Scalar]:
        """The config without what equals the defaults. Raises ArchitectureError with the path of a fault."""
        for key, value in config.items():
            if key not in self.fields:
                hint = did_you_mean(str(key), self.fields) or f"; known are {', '.join(self.fields) or 'none'}"
                raise ArchitectureError(f"{self.name} has no field {key!r}{hint}", f"{path}.{key}".lstrip("."))
            if fault := self.fields[key].fault(value):
                raise ArchitectureError(fault, f"{path}.{key}".lstrip("."))
        for name, field in self.fields.items():
            if field.default is None and name not in config:
                raise ArchitectureError(f"{self.name} needs the field {name!r}", path)
        return {name: _typed(field, config[name]) for name, field in self.fields.items() if _is_told(field, config)}

    def full(self, config: Mapping[str, Scalar]) -> dict[str, Any]:
        return {name: config.get(name, field.default) for name, field in self.fields.items()}

    def check_inputs(self, inputs: Sequence[Data]) -> None:
        """Raises ArchitectureError where their number or kind is not what the operation takes."""
        if self.takes == ("*",):
            if len(inputs) < 2:
                raise ArchitectureError(f"{self.name} joins two or more inputs, not {len(inputs)}")
        elif len(inputs) != len(self.takes):
            raise ArchitectureError(f"{self.name} takes {len(self.takes)} input(s), not {len(inputs)}")
        for number, data in enumerate(inputs):
            kinds = "vector|sequence|image" if self.takes == ("*",) else self.takes[number]
            if not any(RANKS[kind] == len(data.shape) and _is_ids(kind, data) for kind in kinds.split("|")):
                found = f"ids {list(data.shape)}" if data.classes else f"a tensor {list(data.shape)}"
                wanted = kinds.replace("|", " or ")
                raise ArchitectureError(f"{self.name} takes {wanted} as input {number}, not {found}{_advice(kinds)}")


_operations: dict[str, Operation] = {}


def operation(*takes: str) -> Callable[[Callable[..., Plan]], Callable[..., Plan]]:
    """Makes an operation of a function of its inputs and fields; its annotations and defaults are the fields'."""

    def register(plan: Callable[..., Plan]) -> Callable[..., Plan]:
        add(from_function(plan.__name__.rstrip("_"), takes, plan))
        return plan

    return register


def add(found: Operation) -> None:
    _operations[found.name] = found
    planned.cache_clear()
    costed.cache_clear()


def remove(name: str) -> None:
    del _operations[name]
    planned.cache_clear()
    costed.cache_clear()


def operations() -> Mapping[str, Operation]:
    """All of them by name."""
    import neuromosaic.core.architecture.operations  # noqa: F401  (registers ours)

    return _operations


def find(name: str, path: str = "") -> Operation:
    """Raises ArchitectureError for one that does not exist."""
    known = operations()
    if name not in known:
        raise ArchitectureError(f"there is no operation {name!r}{did_you_mean(str(name), known)}", path)
    return known[name]


def from_function(name: str, takes: tuple[str, ...], plan: Callable[..., Plan]) -> Operation:
    hints = typing.get_type_hints(plan, include_extras=True)
    parameters = list(inspect.signature(plan).parameters.values())[len(takes) :]
    fields = {each.name: _field(each.name, hints[each.name], each.default) for each in parameters}
    return Operation(name, takes, fields, plan, inspect.getdoc(plan) or "")


@functools.lru_cache(maxsize=65536)
def planned(name: str, config: tuple[tuple[str, Scalar], ...], inputs: tuple[Data, ...]) -> Plan:
    """The plan of a layer whose config was checked. Raises ArchitectureError where its inputs do not fit."""
    found = find(name)
    found.check_inputs(inputs)
    given: tuple[Any, ...] = (inputs,) if found.takes == ("*",) else inputs
    return found.plan(*given, **found.full(dict(config)))


@functools.lru_cache(maxsize=65536)
def costed(name: str, config: tuple[tuple[str, Scalar], ...], inputs: tuple[Data, ...]) -> Cost:
    """Shape, parameters and FLOPs of a layer, exactly, without PyTorch."""
    plan = planned(name, config, inputs)
    shape, parameters, flops = shadow_run(plan, tuple(data.shape for data in inputs), shadows())
    return Cost(Data(shape), parameters, flops)


def _field(name: str, hint: Any, default: Any) -> Field:
    extent = next((part for part in typing.get_args(hint) if isinstance(part, Range)), None)
    choices = typing.get_args(hint) if typing.get_origin(hint) is Literal else ()
    kind = type(choices[0]) if choices else (hint.__origin__ if extent else hint)
    return Field(name, kind, None if default is inspect.Parameter.empty else default, extent, choices)


def _typed(field: Field, value: Scalar) -> Scalar:
    return float(value) if field.type is float else value


def _is_told(field: Field, config: Mapping[str, Any]) -> bool:
    return field.name in config and config[field.name] != field.default


def _is_ids(kind: str, data: Data) -> bool:
    return (kind == "tokens") == (data.classes is not None)


def _advice(kinds: str) -> str:
    if kinds == "vector":
        return "; put global_pool or flatten in front"
    return "; put embedding in front" if "tokens" not in kinds and kinds != "image" else ""
