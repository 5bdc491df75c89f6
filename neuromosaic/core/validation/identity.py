"""When two programs are the same before anything is built: by their syntax, not by their text."""

import ast
import builtins
import hashlib
import json

from neuromosaic.core.protocols import Program
from neuromosaic.core.syntax import parse


def normalised_hash(source: str) -> str:
    """SHA-256, hex, of the source without formatting, comments, docstrings and the names of local variables.

    Equal hashes mean equal programs; two ways to write one program may still differ. A source that cannot be parsed
    is hashed as it is.
    """
    try:
        tree = parse(source)
        _without_docstrings(tree)
        _with_numbered_locals(tree)
        text = ast.dump(tree, annotate_fields=False)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        text = source
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def program_hash(program: Program) -> str:
    """Of the normalised source and the constructor's values; the seed is left out, for it changes no structure."""
    values = json.dumps(program.values, sort_keys=True)
    return hashlib.sha256(f"{normalised_hash(program.source)} {values}".encode()).hexdigest()


# Without `_`: it is there only where an interactive prompt or a doctest has run in this process.
BUILTINS = frozenset(dir(builtins)) - {"_"}

Scope = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
Function = ast.FunctionDef | ast.AsyncFunctionDef


def _without_docstrings(tree: ast.Module) -> None:
    for node in ast.walk(tree):
        if isinstance(node, Scope):
            node.body = [statement for statement in node.body if not _is_text(statement)]


def _is_text(statement: ast.stmt) -> bool:
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _with_numbered_locals(tree: ast.Module) -> None:
    """Local variables become numbers in the order of their first appearance, function by function.

    Arguments keep their names, which callers may use; so does a name that also means something outside, and all in
    a function that holds a class, whose variables are attributes.
    """
    taken = _names_of_module(tree) | BUILTINS
    for function in _outermost_functions(tree):
        if any(isinstance(node, ast.ClassDef) for node in ast.walk(function)):
            continue
        local = _stored(function) - taken - _kept(function)
        numbers: dict[str, int] = {}
        for node in ast.walk(function):
            if isinstance(node, ast.Name) and node.id in local:
                node.id = f"${numbers.setdefault(node.id, len(numbers))}"


def _outermost_functions(scope: ast.Module | ast.ClassDef) -> list[Function]:
    found: list[Function] = []
    for node in scope.body:
        if isinstance(node, ast.ClassDef):
            found += _outermost_functions(node)
        elif isinstance(node, Function):
            found.append(node)
    return found


def _names_of_module(tree: ast.Module) -> set[str]:
    """Names that can mean something beyond one function: bound anywhere outside of functions, or imported."""
    inside = {id(node) for function in _outermost_functions(tree) for node in ast.walk(function)}
    outside = [node for node in ast.walk(tree) if id(node) not in inside]
    names = {node.id for node in outside if isinstance(node, ast.Name)}
    names |= {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef | Function)}
    aliases = (node for node in ast.walk(tree) if isinstance(node, ast.alias))
    return names | {part for alias in aliases for part in (alias.asname or alias.name).split(".")}


def _stored(function: Function) -> set[str]:
    names = (node for node in ast.walk(function) if isinstance(node, ast.Name))
    return {node.id for node in names if isinstance(node.ctx, ast.Store)}


def _kept(function: Function) -> set[str]:
    """Arguments, names declared to live elsewhere, and names that the syntax tree holds as bare text."""
    kept: set[str] = set()
    for node in ast.walk(function):
        match node:
            case ast.arg(arg=name) | ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                kept.add(name)
            case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                kept.add(name)
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                kept.update(names)
    return kept
