"""The delivered source: a family's `class Model` with one candidate's values as its constructor's defaults."""

import ast
import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from neuromosaic.core.space.parameters import Point
from neuromosaic.core.syntax import parse

_LINE_END = re.compile(rb"\r\n|\r|\n")


class _Edit(NamedTuple):
    """Bytes from `start` to `end` of the source are to become `text`."""

    start: int
    end: int
    text: str


class _Argument(NamedTuple):
    node: ast.arg
    default: ast.expr | None


def with_defaults(source: str, values: Point) -> str:
    """`source` with the defaults of `Model.__init__` replaced by `values`, and every other byte as it was.

    An argument without a default gets one where Python allows it. Raises ValueError naming an argument that is not
    there or cannot have a default, a value that has no literal, and source without a constructor to change.
    """
    if not values:
        return source
    known, keyword_only = _arguments(_constructor(source, values))
    _check_names(known | keyword_only, values)
    _check_order(known, values)
    place = _Places(source)
    edits = [
        _edit(place, argument, values[name]) for name, argument in (known | keyword_only).items() if name in values
    ]
    return _applied(source, edits)


def whole_numbers(source: str) -> dict[str, int]:
    """The arguments of `Model.__init__` whose defaults are whole numbers, with these."""
    known, keyword_only = _arguments(_constructor(source, {}))
    defaults = {name: argument.default for name, argument in (known | keyword_only).items()}
    return {
        name: node.value
        for name, node in defaults.items()
        if isinstance(node, ast.Constant) and type(node.value) is int
    }


def _constructor(source: str, values: Point) -> ast.FunctionDef:
    """The `__init__` that counts: the last one of the last top-level class `Model`."""
    models = [node for node in parse(source).body if isinstance(node, ast.ClassDef) and node.name == "Model"]
    if not models:
        raise ValueError("the source has no top-level class Model")
    functions = [node for node in models[-1].body if isinstance(node, ast.FunctionDef) and node.name == "__init__"]
    if not functions:
        raise ValueError(f"Model has no __init__ of its own, so it cannot take {', '.join(sorted(values))}")
    return functions[-1]


def _arguments(function: ast.FunctionDef) -> tuple[dict[str, _Argument], dict[str, _Argument]]:
    """Those that may be given by position (less `self`), and the keyword-only ones, by name."""
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    missing: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    defaults = [*missing, *arguments.defaults]
    named = [_Argument(node, default) for node, default in zip(positional, defaults, strict=True)][1:]
    only = map(_Argument, arguments.kwonlyargs, arguments.kw_defaults)
    return {argument.node.arg: argument for argument in named}, {argument.node.arg: argument for argument in only}


def _check_names(known: Mapping[str, _Argument], values: Point) -> None:
    if unknown := [name for name in values if name not in known]:
        there = ", ".join(known) or "none"
        raise ValueError(f"Model's constructor has no argument {', '.join(map(repr, unknown))}; it has: {there}")


def _check_order(positional: Mapping[str, _Argument], values: Point) -> None:
    """Python wants every positional argument after one with a default to have one too."""
    first = None
    for name, argument in positional.items():
        has_default = argument.default is not None or name in values
        if first is not None and not has_default:
            raise ValueError(f"{first!r} cannot get a default: {name!r} behind it has none")
        if has_default and first is None:
            first = name


def _edit(place: "_Places", argument: _Argument, value: Any) -> _Edit:
    node, default = argument
    if default is not None:
        return _Edit(place.start(default), place.end(default), literal(value))
    sign = " = " if node.annotation is not None else "="
    return _Edit(place.end(node), place.end(node), sign + literal(value))


class _Places:
    """Byte offsets of nodes in the UTF-8 source: the parser counts columns in bytes."""

    def __init__(self, source: str) -> None:
        self._lines = [0, *(match.end() for match in _LINE_END.finditer(source.encode()))]

    def start(self, node: ast.expr | ast.arg) -> int:
        return self._offset(node.lineno, node.col_offset)

    def end(self, node: ast.expr | ast.arg) -> int:
        assert node.end_lineno is not None  # the parser fills it in
        assert node.end_col_offset is not None
        return self._offset(node.end_lineno, node.end_col_offset)

    def _offset(self, line: int, column: int) -> int:
        return self._lines[line - 1] + column


def _applied(source: str, edits: list[_Edit]) -> str:
    data = source.encode()
    for edit in sorted(edits, reverse=True):
        data = data[: edit.start] + edit.text.encode() + data[edit.end :]
    return data.decode()


def literal(value: Any) -> str:
    """Python source that evaluates to `value`. Raises ValueError for what no literal can say."""
    if value is None or isinstance(value, bool | int):
        return repr(value)
    if isinstance(value, float) and math.isfinite(value):
        return repr(float(value))
    if isinstance(value, str):
        plain = value.isprintable() and not set(value) & set('"\\')
        return f'"{value}"' if plain else ascii(value)
    if isinstance(value, tuple):
        return f"({', '.join(map(literal, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    raise ValueError(f"{value!r} cannot be written as a default")
