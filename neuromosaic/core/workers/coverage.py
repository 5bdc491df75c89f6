"""Which statements and branches of model.py a run came through.

Counted as coverage.py counts: the statements that were run, and of each `if`, `while` and `for` the ways it was left
by (into its body, past it). A way within one line cannot be told and is not counted.
"""

import ast
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from neuromosaic.core.syntax import parse

Arc = tuple[int, int]
"""From one line to the next within a call; 0: its beginning, or its end."""

Branching = ast.If | ast.While | ast.For


class Coverage(NamedTuple):
    """`covered` of `possible` statements and branches; `missed`: the lines that something was missed in."""

    covered: int
    possible: int
    missed: tuple[int, ...]

    @property
    def share(self) -> float:
        return self.covered / self.possible if self.possible else 1.0


@contextmanager
def traced(path: Path) -> Iterator[set[Arc]]:
    """The arcs that code of `path` takes in this thread; other code runs as fast as before, but for its calls."""
    arcs: set[Arc] = set()
    name, before = str(path), sys.gettrace()

    def enter(frame: FrameType, event: str, argument: Any) -> Any:  # pragma: no cover - a tracer is not traced
        if frame.f_code.co_filename != name:
            return None
        last = 0

        def step(frame: FrameType, event: str, argument: Any) -> Any:
            nonlocal last
            if event in ("line", "return"):
                line = frame.f_lineno if event == "line" else 0
                arcs.add((last, line))
                last = line
            return step

        return step

    sys.settrace(enter)
    try:
        yield arcs
    finally:
        sys.settrace(before)


def coverage(source: str, arcs: set[Arc]) -> Coverage:
    """What the arcs come through of all that the source holds.

    >>> coverage("if width:\\n    depth = 2\\n", {(0, 1), (1, 0)})
    Coverage(covered=2, possible=4, missed=(1, 2))
    """
    lines = {line for arc in arcs for line in arc}
    nodes = [node for node in ast.walk(parse(source)) if isinstance(node, ast.stmt) and _is_run(node)]
    found = [(node.lineno, bool(lines & set(_header(node)))) for node in nodes]
    for node in nodes:
        if isinstance(node, Branching):
            found += [(node.lineno, way) for way in _ways(node, arcs)]
    missed = sorted({line for line, covered in found if not covered})
    return Coverage(sum(covered for _, covered in found), len(found), tuple(missed))


def _is_run(node: ast.stmt) -> bool:
    """Docstrings, `...`, declarations of names and of types leave nothing to be run."""
    constant = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    untold = isinstance(node, ast.AnnAssign) and node.value is None
    return not (constant or untold or isinstance(node, ast.Global | ast.Nonlocal))


def _header(node: ast.stmt) -> range:
    """The lines of a statement without those of its body."""
    body = getattr(node, "body", None)
    last = max(node.lineno, body[0].lineno - 1) if body else node.end_lineno or node.lineno
    return range(node.lineno, last + 1)


def _ways(node: Branching, arcs: set[Arc]) -> list[bool]:
    """Whether it was left into its body, and past it; a loop for ever is left in no other way."""
    header, body = _header(node), range(node.body[0].lineno, (node.body[-1].end_lineno or 0) + 1)
    if node.body[0].lineno == node.lineno:
        return []
    ends = {end for start, end in arcs if start in header and end not in header}
    ways = [any(end in body for end in ends)]
    endless = isinstance(node, ast.While) and isinstance(node.test, ast.Constant)
    return ways if endless else [*ways, any(end not in body for end in ends)]
