"""Proposed source as syntax: read, never run."""

import ast
import threading
import warnings

_one_at_a_time = threading.Lock()
"""CPython 3.11 counts the parser's depth for all threads together ("AST constructor recursion depth mismatch"), and
warning filters belong to the whole process as well."""


def parse(source: str) -> ast.Module:
    """The syntax tree, without the warnings that Python has about it. Safe to use from many threads.

    Raises SyntaxError, ValueError, RecursionError or MemoryError.
    """
    before, null, _ = source.partition("\0")
    if null:  # which Python 3.11.2 calls a ValueError, without a line
        raise SyntaxError("source code cannot contain null bytes", ("<unknown>", before.count("\n") + 1, None, None))
    with _one_at_a_time, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)


def method(name: str, tree: ast.Module, owner: str = "Model") -> ast.FunctionDef | None:
    """The method as Python would find it: in the top-level class `owner`, or in a base that the same file defines."""
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    queue, seen = [owner], set[str]()
    while queue:
        here = queue.pop(0)
        if here in seen or here not in classes:
            continue
        seen.add(here)
        found = [n for n in classes[here].body if isinstance(n, ast.FunctionDef) and n.name == name]
        if found:
            return found[-1]
        queue += [base.id for base in classes[here].bases if isinstance(base, ast.Name)]
    return None


def defaults(function: ast.FunctionDef) -> dict[str, ast.expr]:
    """The default of each argument that has one."""
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    pairs = zip(reversed(positional), reversed(arguments.defaults), strict=False)
    keyword = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return {argument.arg: default for argument, default in [*pairs, *keyword] if default is not None}
