"""The blocks' source: definitions by name, what each needs, and their shadows."""

import ast
import functools
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from types import CodeType
from typing import Any

from neuromosaic.core.architecture.shadow import NAMESPACE
from neuromosaic.core.errors import ArchitectureError


@dataclass(frozen=True)
class Definition:
    """One class or function of a block's file: its text, the names that it uses, and where it stands."""

    name: str
    text: str
    uses: frozenset[str]
    file: str
    line: int

    @property
    def code(self) -> CodeType:
        """Compiled so that debuggers, tracebacks and coverage find the lines where they stand."""
        return compile("\n" * (self.line - 1) + self.text, self.file, "exec")


_users: dict[str, Definition] = {}
_lock = threading.Lock()


def definitions() -> dict[str, Definition]:
    """Every block that there is, in the order in which they may stand in a file."""
    return {**_own(), **_users}


def add_source(text: str) -> None:
    """A user's own blocks. Raises ArchitectureError for a name that is taken by another text."""
    found = _read(text, "<an operation of your own>")
    with _lock:
        for name, definition in found.items():
            if definitions().get(name, definition) != definition:
                raise ArchitectureError(f"a block {name!r} exists already, with another source: choose another name")
        _users.update(found)
        shadows.cache_clear()


def needed(names: Iterable[str]) -> list[Definition]:
    """The definitions behind these names and all that they use, those that are used first in front."""
    known = definitions()
    found: dict[str, Definition] = {}

    def visit(name: str) -> None:
        if name in known and name not in found:
            for used in sorted(known[name].uses - {name}):
                visit(used)
            found[name] = known[name]

    for name in names:
        visit(name)
    return list(found.values())


@functools.cache
def shadows() -> dict[str, Any]:
    """Every name that a call may use, as a shadow."""
    names = dict(NAMESPACE)
    for definition in needed(definitions()):
        exec(definition.code, names)  # noqa: S102  (our own blocks)
    return names


@functools.cache
def _own() -> dict[str, Definition]:
    found: dict[str, Definition] = {}
    for file in sorted(resources.files("neuromosaic.core.architecture.blocks").iterdir(), key=lambda f: f.name):
        if file.name.endswith(".py"):
            found |= _read(file.read_text(), str(file))
    return found


def _read(text: str, file: str) -> dict[str, Definition]:
    tree = ast.parse(text)
    kept = [node for node in tree.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))]
    return {node.name: _definition(node, text, file) for node in kept}


def _definition(node: ast.ClassDef | ast.FunctionDef, text: str, file: str) -> Definition:
    names = frozenset(part.id for part in ast.walk(node) if isinstance(part, ast.Name))
    return Definition(node.name, ast.get_source_segment(text, node) or "", names, file, node.lineno)
