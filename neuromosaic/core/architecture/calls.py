"""Constructor calls as data: written as source, or made with PyTorch's shadow."""

import ast
import functools
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from neuromosaic.core.architecture.shadow import Tally, Tensor
from neuromosaic.core.architecture.shadow.tensor import Shape

WIDTH = 88
"""Columns of emitted source: the default of `ruff format` and black."""


class Name(str):
    """A name that stands in source as it is (`nn.ReLU`), handed over as a class, not made."""


@dataclass(frozen=True)
class Call:
    """`function(*arguments, **named)`; named arguments that equal the default are left out."""

    function: str
    arguments: tuple[Any, ...]
    named: tuple[tuple[str, Any], ...]

    def write(self, indent: int, before: int = 0, after: int = 0) -> str:
        """Formatted as `ruff format` would: on one line where it fits, else one argument a line."""
        parts = [(None, value) for value in self.arguments] + list(self.named)
        flat = f"{self.function}({', '.join(_flat(*part) for part in parts)})"
        if indent + before + len(flat) + after <= WIDTH:
            return flat
        inner = indent + 4
        lines = [f"{' ' * inner}{_nested(name, value, inner)},\n" for name, value in parts]
        return f"{self.function}(\n{''.join(lines)}{' ' * indent})"

    def shadow(self, names: Mapping[str, Any]) -> Any:
        """The shadow of what the call makes."""
        make = resolve(self.function, names)
        named = {key: _shadowed(value, names) for key, value in self.named}
        return make(*(_shadowed(value, names) for value in self.arguments), **named)


class Plan(NamedTuple):
    """What a layer is made of: named calls, and an expression of {0}, {1}... (inputs) and {m}, {name} (modules)."""

    expression: str
    modules: tuple[tuple[str, Call], ...]

    @property
    def is_module(self) -> bool:
        return self.expression == "{m}({0})"


def call(function: str, *arguments: Any, **named: Any) -> Call:
    """`call("nn.Conv2d", 3, 16, 3, stride=1)`."""
    known = _defaults(function)
    kept = tuple((key, value) for key, value in named.items() if key not in known or known[key] != _seen(value))
    return Call(function, arguments, kept)


def module(function: str, *arguments: Any, **named: Any) -> Plan:
    """A layer that is one module with one input."""
    return Plan("{m}({0})", (("m", call(function, *arguments, **named)),))


def sequence(*calls: Call | None) -> Plan:
    """One module after the other; None is left out."""
    kept = tuple(part for part in calls if part is not None)
    whole = kept[0] if len(kept) == 1 else Call("nn.Sequential", kept, ())
    return Plan("{m}({0})", (("m", whole),))


def shadow_run(plan: Plan, shapes: tuple[Shape, ...], names: dict[str, Any]) -> tuple[Shape, int, int]:
    """Output shape, parameters and FLOPs, for shapes without the batch axis."""
    tally = Tally()
    made = {key: part.shadow(names) for key, part in plan.modules}
    values: dict[str, Any] = {f"x{n}": Tensor((1, *shape), tally) for n, shape in enumerate(shapes)}
    text = plan.expression.format(*values, **{key: key for key in made})
    found = eval(_compiled(text), names, {**made, **values})  # noqa: S307  (our own expressions)
    return found.shape[1:], sum(part.parameter_count() for part in made.values()), tally.flops


def resolve(dotted: str, names: Mapping[str, Any]) -> Any:
    first, *rest = dotted.split(".")
    return functools.reduce(getattr, rest, names[first])


@functools.cache
def _compiled(text: str) -> Any:
    return compile(ast.parse(text, mode="eval"), "<expression>", "eval")


@functools.cache
def _defaults(function: str) -> dict[str, Any]:
    from neuromosaic.core.architecture.library import shadows

    try:
        found = inspect.signature(resolve(function, shadows()))
    except (KeyError, ValueError):
        return {}
    return {name: parameter.default for name, parameter in found.parameters.items()}


@functools.lru_cache(maxsize=4096, typed=True)
def _seen(value: Any) -> Any:
    """A named class as the shadows have it, to compare with a default."""
    from neuromosaic.core.architecture.library import shadows

    return resolve(value, shadows()) if isinstance(value, Name) else value


def _shadowed(value: Any, names: Mapping[str, Any]) -> Any:
    if isinstance(value, Call):
        return value.shadow(names)
    return resolve(value, names) if isinstance(value, Name) else value


def _text(value: Any) -> str:
    if isinstance(value, Call):
        return value.write(-(10**9))
    if isinstance(value, str) and not isinstance(value, Name):
        return f'"{value}"'
    return str(value)


def _flat(name: str | None, value: Any) -> str:
    return _text(value) if name is None else f"{name}={_text(value)}"


def _nested(name: str | None, value: Any, indent: int) -> str:
    lead = "" if name is None else f"{name}="
    return lead + (value.write(indent, len(lead), 1) if isinstance(value, Call) else _text(value))
