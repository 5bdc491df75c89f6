"""A user's file with what an extension changed in it and added to it; every other byte is as it was."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from neuromosaic.core.errors import RepositoryError
from neuromosaic.core.syntax import parse

_Named = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


class Names(NamedTuple):
    """What is called how: the delivered `Model` is `added` in the user's file, the user's class `entry` is `given` in
    the delivered one."""

    entry: str
    given: str
    added: str

    def as_theirs(self, delivered: str) -> str:
        """The delivered file in the user's names; `given` was put wherever `entry` stood, in texts as well."""
        ours = renamed(delivered, {"Model": self.added})
        return re.sub(rf"\b{self.given}\b", self.entry, ours)

    def as_delivered(self, theirs: str) -> str:
        """The user's file as the delivered tests know it."""
        return renamed(theirs, {self.added: "Model", self.entry: self.given})


class _Edit(NamedTuple):
    """Lines `start` to `end` (counted from 0, `end` not included) become `lines`."""

    start: int
    end: int
    lines: tuple[str, ...]


def names_for(entry: str, given: str, source: str) -> Names:
    """For the class `entry` of the user's `source`, which the delivered file calls `given`."""
    taken = {token.string for token in _tokens(source)}
    wanted = f"Extended{entry}"
    added = next(name for name in (wanted, *(f"{wanted}{n}" for n in range(2, 99))) if name not in taken)
    return Names(entry, given, added)


def extended(source: str, delivered: str, names: Names) -> str:
    """`source` with what `delivered` has besides, in the user's names.

    Classes and functions that are the same but for layout stay untouched; of a class that differs only the methods
    that do; what is new stands behind what it follows in the delivered file. Raises RepositoryError where the
    delivered file cannot be told apart from the user's.
    """
    given, wanted = source.split("\n"), names.as_theirs(delivered)
    theirs, ours = _parsed(source), _parsed(wanted)
    lines = wanted.split("\n")
    edits = [*_imports(theirs, ours), *_items(theirs.body, ours.body, lines, blank=2)]
    if not edits:
        raise RepositoryError("the extension adds nothing to the file: there is nothing to propose")
    return "\n".join(_applied(given, edits))


def renamed(source: str, names: Mapping[str, str]) -> str:
    """Names replaced all at once; attributes, strings and comments stay.

    >>> renamed("class A(B):  # A", {"A": "B", "B": "C"})
    'class B(C):  # A'
    """
    lines = source.split("\n")
    previous = ""
    found = []
    for token in _tokens(source):
        if token.type == tokenize.NAME and token.string in names and previous != ".":
            found.append(token)
        previous = token.string
    for token in reversed(found):
        row, (start, end) = token.start[0] - 1, (token.start[1], token.end[1])
        lines[row] = lines[row][:start] + names[token.string] + lines[row][end:]
    return "\n".join(lines)


def _tokens(source: str) -> Iterator[tokenize.TokenInfo]:
    return tokenize.generate_tokens(io.StringIO(source).readline)


def _parsed(source: str) -> ast.Module:
    try:
        return parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise RepositoryError(f"the file is not Python any more: {error}") from None


# ---------------------------------------------------------------- what differs


def _imports(theirs: ast.Module, ours: ast.Module) -> list[_Edit]:
    """Those that the user's file lacks, behind its last one at the top."""
    known = {what for node in theirs.body for what in _imported(node)}
    missing = {line: None for node in ours.body for what, line in _imported(node).items() if what not in known}
    at = _behind_imports(theirs.body)
    return [_Edit(at, at, tuple(missing))] if missing else []


def _imported(node: ast.stmt) -> dict[tuple[str, str], str]:
    """By the name that is bound and what it stands for, the line that binds it; however the file spells it."""
    found: dict[tuple[str, str], str] = {}
    for alias in node.names if isinstance(node, ast.Import) else ():
        found[alias.asname or alias.name, alias.name] = ast.unparse(ast.Import([alias]))
    if isinstance(node, ast.ImportFrom):
        source = f"{'.' * node.level}{node.module or ''}"
        for alias in node.names:
            line = ast.unparse(ast.ImportFrom(node.module, [alias], node.level))
            found[alias.asname or alias.name, f"{source}.{alias.name}"] = line
    return found


def _behind_imports(body: Sequence[ast.stmt]) -> int:
    end = 0
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom) or _is_text(node):
            end = node.end_lineno or end
        else:
            break
    return end


def _items(theirs: Sequence[ast.stmt], ours: Sequence[ast.stmt], lines: Sequence[str], blank: int) -> list[_Edit]:
    """Edits of one body, a module's or a class's. `blank`: empty lines between its parts."""
    known = {name: node for node in theirs if (name := _name(node))}
    edits: list[_Edit] = []
    anchor = _first_line(theirs)
    for node in ours:
        name = _name(node)
        if name is None:
            continue
        if name not in known:
            edits.append(_Edit(anchor, anchor, (*[""] * blank, *_segment(node, lines))))
            continue
        anchor = known[name].end_lineno or anchor
        edits += _changes(known[name], node, lines)
    return edits


def _first_line(body: Sequence[ast.stmt]) -> int:
    """Where a part goes that comes before all others: behind docstring and imports."""
    return _behind_imports(body) or (_start(body[0]) if body else 0)


def _changes(theirs: ast.stmt, ours: ast.stmt, lines: Sequence[str]) -> list[_Edit]:
    """Nothing where both say the same; else the methods that differ, or the whole."""
    if _said(theirs) == _said(ours):
        return []
    if isinstance(theirs, ast.ClassDef) and isinstance(ours, ast.ClassDef) and _head(theirs) == _head(ours):
        return _items(theirs.body, ours.body, lines, blank=1)
    return [_Edit(_start(theirs), theirs.end_lineno or 0, _segment(ours, lines))]


def _name(node: ast.stmt) -> str | None:
    """What a part is known by; None for what is no part: docstrings, imports, calls."""
    if isinstance(node, _Named):
        return node.name
    if isinstance(node, ast.Assign):
        return ast.unparse(node.targets[0])
    return ast.unparse(node.target) if isinstance(node, ast.AnnAssign) else None


def _said(node: ast.stmt) -> str:
    return re.sub(r"\\n\s*", " ", ast.dump(node))


def _head(node: ast.ClassDef) -> str:
    return ast.dump(ast.ClassDef(node.name, node.bases, node.keywords, [], node.decorator_list))


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _start(node: ast.stmt) -> int:
    """Its first line, decorators included."""
    decorators = node.decorator_list if isinstance(node, _Named) else []
    return min([node.lineno, *(one.lineno for one in decorators)]) - 1


def _segment(node: ast.stmt, lines: Sequence[str]) -> tuple[str, ...]:
    """Its lines, with the comment right above."""
    start = _start(node)
    while start and lines[start - 1].lstrip().startswith("#"):
        start -= 1
    return tuple(lines[start : node.end_lineno])


def _applied(given: Sequence[str], edits: Sequence[_Edit]) -> list[str]:
    """From below, so that line numbers stay; several at one line in their order."""
    lines = list(given)
    numbered = sorted(enumerate(edits), key=lambda one: (one[1].start, one[0]), reverse=True)
    for _, edit in numbered:
        behind = lines[edit.end :]
        is_part = edit.start == edit.end and edit.lines[:1] == ("",)
        apart = is_part and bool(behind) and bool(behind[0].strip())
        lines[edit.start : edit.end] = [*edit.lines, *([""] * (2 if apart else 0))]
    return lines
