"""What proposed code should not do, told early and with its line. The sandbox enforces; this explains."""

import ast
from collections.abc import Iterator

from neuromosaic.core.role_inputs import Finding

GATE = "parse"
IMPORTS = (
    "torch", "math", "typing", "collections", "functools", "itertools", "dataclasses", "abc", "enum", "__future__",
)  # fmt: skip
CALLS = frozenset({"open", "exec", "eval", "compile", "__import__", "input", "globals", "breakpoint"})
REACHES = frozenset(
    {
        "__globals__", "__subclasses__", "__builtins__", "__bases__", "__base__", "__mro__", "__code__",
        "__closure__", "__loader__", "__spec__", "__getattribute__", "__reduce__", "__reduce_ex__",
    }
)  # fmt: skip
MODULES = frozenset({"os", "sys", "subprocess", "builtins", "importlib", "socket", "shutil", "ctypes"})
"""Never a part of a dotted name, for other modules hold references to them (`typing.sys`)."""
DANGEROUS = frozenset(
    {
        "asyncio", "builtins", "ctypes", "cffi", "fcntl", "ftplib", "http", "importlib", "mmap", "multiprocessing",
        "posix", "pty", "requests", "resource", "shutil", "signal", "socket", "subprocess", "threading", "urllib",
    }
)  # fmt: skip
"""No network has an honest use for these."""
USUAL_CALLS = frozenset({"eval", "globals", "compile"})
"""Found in honest files: to look up a layer by its name."""
HARMLESS = ("os.path", "os.sep", "sys.version", "sys.maxsize", "sys.float_info", "sys.path")
PARTS_OF_TORCH = (
    "torch.load", "torch.save", "torch.hub", "torch.package", "torch.jit.load", "torch.ops.load_library",
    "torch.classes", "torch.multiprocessing", "torch.distributed", "torch.utils.cpp_extension",
)  # fmt: skip


def check_policy(tree: ast.Module, strict: bool = True) -> Iterator[Finding]:
    """All of it are errors for code that is to be delivered (`strict`), which imports torch and little else.

    Of other code, only what no honest network does: it stands in the sandbox, and what it does there is judged.
    """
    if strict:
        yield from _frowned_upon(tree)
        return
    for finding in _frowned_upon(_without_script(tree)):
        yield finding if _is_dangerous(finding) else finding.model_copy(update={"severity": "warning"})
    yield from _uses_of_system(_without_script(tree))


def _is_dangerous(finding: Finding) -> bool:
    """By what the message names: its first words are ours."""
    what = finding.message.split()
    if finding.code == "import-not-allowed":
        return what[1].partition(".")[0] in DANGEROUS or _is_part_of_torch(what[1])
    if finding.code == "call-not-allowed":
        return what[0].removesuffix("()") not in USUAL_CALLS
    return finding.severity == "error"


def _without_script(tree: ast.Module) -> ast.Module:
    """Without what runs only where the file is run as a script."""
    kept = [node for node in tree.body if not (isinstance(node, ast.If) and "__name__" in ast.unparse(node.test))]
    return ast.Module(kept, [])


def _uses_of_system(tree: ast.Module) -> Iterator[Finding]:
    for node in ast.walk(tree):
        name = _dotted(node) if isinstance(node, ast.Attribute) else ""
        if isinstance(node, ast.Attribute) and name.startswith(("os.", "sys.")) and not name.startswith(HARMLESS):
            yield _finding("reach-not-allowed", f"{name} is not allowed: a network has no need of it", node.lineno)


def _frowned_upon(tree: ast.Module) -> Iterator[Finding]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from _imports([alias.name for alias in names], node.lineno)
            case ast.ImportFrom():
                yield from _imports(_imported_from(node), node.lineno)
            case ast.Call(func=ast.Name(id=name)) if name in CALLS:
                message = f"{name}() is not allowed: a network computes with tensors alone; take the call out"
                yield _finding("call-not-allowed", message, node.lineno)
            case ast.Attribute() | ast.Name():
                yield from _reach(node)
    yield from _top_level(tree)


def _imported_from(node: ast.ImportFrom) -> list[str]:
    module = "." * node.level + (node.module or "")
    return [f"{module}.{alias.name}" for alias in node.names]


def _imports(names: list[str], line: int) -> Iterator[Finding]:
    for name in names:
        top = name.partition(".")[0]
        if top not in IMPORTS or _is_part_of_torch(name):
            where = name if top in IMPORTS else top or name
            message = f"importing {where} is not allowed: model.py may import {', '.join(IMPORTS[:-1])} only"
            yield _finding("import-not-allowed", message, line)


def _is_part_of_torch(name: str) -> bool:
    return any(name == part or name.startswith(f"{part}.") for part in PARTS_OF_TORCH)


def _reach(node: ast.Attribute | ast.Name) -> Iterator[Finding]:
    """A dunder that leads out of the module, a smuggled module, or a part of torch that reads or writes files."""
    last = node.attr if isinstance(node, ast.Attribute) else node.id
    root, _, rest = _dotted(node).partition(".")
    smuggled = isinstance(node, ast.Attribute) and root not in ("", "self", "cls") and last.lstrip("_") in MODULES
    if last in REACHES or smuggled or f"{root}.{rest}" in PARTS_OF_TORCH:
        name = f"{root}.{rest}" if root and rest else last
        yield _finding("reach-not-allowed", f"{name} is not allowed: a network has no need of it", node.lineno)


def _dotted(node: ast.expr) -> str:
    """ "a.b.c" for such an expression, "" for any other."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _top_level(tree: ast.Module) -> Iterator[Finding]:
    """Whatever runs as the module is imported."""
    for node in tree.body:
        if isinstance(node, (ast.For, ast.While, ast.With)) or _is_call(node):
            message = "this runs whenever model.py is imported: leave definitions alone at the top level"
            yield _finding("top-level-code", message, node.lineno, "warning")


def _is_call(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)


def _finding(code: str, message: str, line: int, severity: str = "error") -> Finding:
    return Finding.model_validate(
        {"gate": GATE, "code": code, "message": message, "line": line, "severity": severity}
    )
