"""Which class of a file is the network, and what it must look like, read from its syntax."""

import ast
from collections.abc import Iterator

from neuromosaic.core.protocols import Program
from neuromosaic.core.role_inputs import Finding
from neuromosaic.core.signature import Signature
from neuromosaic.core.syntax import method

GATE = "parse"
PLAIN = frozenset({"nn.Module", "torch.nn.Module", "Module", "object", "ABC", "abc.ABC"})


def find_entry(tree: ast.Module) -> str | Finding:
    """`Model`, else the only network of the file that no other of its code mentions."""
    networks = [name for name, node in _classes(tree).items() if _is_network(node, tree)]
    if "Model" in networks:
        return "Model"
    if not networks:
        return _finding("no-model", "the file defines no nn.Module at its top level: add one, called Model", None)
    alone = [name for name in networks if not _is_mentioned(name, tree)]
    if len(alone) == 1:
        return alone[0]
    message = f"the file defines several networks ({', '.join(alone or networks)}): say which one with --entry"
    return _finding("two-modules", message, None)


def check_model(tree: ast.Module, program: Program, signature: Signature) -> Iterator[Finding]:
    """One top-level class `program.entry`, a module, that can be built and called with the signature's inputs."""
    entry = program.entry
    found = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == entry]
    if not found:
        yield _finding("no-model", f"model.py defines no class named {entry} at its top level: add one", None)
        return
    if len(found) > 1:
        yield _finding("model-twice", f"model.py defines the class {entry} more than once: keep one", found[1].lineno)
        return
    if not found[0].bases:
        message = f"{entry} is no network: write `class {entry}(nn.Module)`"
        yield _finding("model-not-a-module", message, found[0].lineno)
    yield from _open_arguments(method("__init__", tree, entry), program)
    yield from _check_forward(found[0], tree, signature)


def _classes(tree: ast.Module) -> dict[str, ast.ClassDef]:
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def _is_network(node: ast.ClassDef, tree: ast.Module) -> bool:
    """It has a `forward`, or inherits a library's."""
    return method("forward", tree, node.name) is not None or _inherits_from_outside(node, _classes(tree))


def _is_mentioned(name: str, tree: ast.Module) -> bool:
    """In other classes and functions of the file; what runs only as a script does not count."""
    others = [node for node in tree.body if not (isinstance(node, ast.ClassDef) and node.name == name)]
    parts = [node for node in others if isinstance(node, (ast.ClassDef, ast.FunctionDef))]
    return any(isinstance(n, ast.Name) and n.id == name for part in parts for n in ast.walk(part))


def _open_arguments(constructor: ast.FunctionDef | None, program: Program) -> Iterator[Finding]:
    """Arguments that nobody gives; a file that says itself with what it is built has none."""
    if constructor is None or program.arguments is None:
        return
    for argument in _required(constructor, skip=1 + len(program.arguments)):
        if argument.arg not in program.values:
            message = (
                f"{program.entry}() cannot be built: the constructor's argument {argument.arg!r} has no default; "
                "give it one"
            )
            yield _finding("argument-without-default", message, argument.lineno)


def _check_forward(model: ast.ClassDef, tree: ast.Module, signature: Signature) -> Iterator[Finding]:
    forward = method("forward", tree, model.name)
    if forward is None:
        if not _inherits_from_outside(model, _classes(tree)):
            yield _finding("no-forward", f"{model.name} has no method forward(self, x): add it", model.lineno)
        return
    count = len(signature.inputs)
    most = len([*forward.args.posonlyargs, *forward.args.args]) - 1
    if count and (_required(forward, skip=1 + count) or not (forward.args.vararg or most >= count)):
        yield _finding("forward-arguments", _wanted(signature), forward.lineno)


def _wanted(signature: Signature) -> str:
    if len(signature.inputs) > 1:
        return f"forward must take {len(signature.inputs)} tensors beside self"
    shape = list(signature.inputs[0].shape)
    if signature.batch_axes:
        shape.insert(signature.batch_axes[0], "batch")  # type: ignore[arg-type]
    return f"forward must take one tensor {shape} beside self: write forward(self, x)"


def _inherits_from_outside(model: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> bool:
    """Whether a base, near or far, is a library's class with a `forward` of its own (nn.Sequential)."""
    bases = [ast.unparse(base) for base in model.bases]
    own = [classes[base] for base in bases if base in classes and base != model.name]
    foreign = [base for base in bases if base not in classes]
    return any(_is_layer(base) for base in foreign) or any(_inherits_from_outside(base, classes) for base in own)


def _is_layer(base: str) -> bool:
    """A class of torch.nn, or one that only its import knows."""
    return base not in PLAIN and base.rpartition(".")[2] not in (
        "Function",
        "Enum",
        "NamedTuple",
        "Exception",
        "dict",
    )


def _required(function: ast.FunctionDef, skip: int) -> list[ast.arg]:
    """Arguments without default, the first `skip` positional ones left out."""
    positional = [*function.args.posonlyargs, *function.args.args]
    without = positional[: len(positional) - len(function.args.defaults)][skip:]
    keyword = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    return without + [argument for argument, default in keyword if default is None]


def _finding(code: str, message: str, line: int | None) -> Finding:
    return Finding(gate=GATE, code=code, message=message, line=line)
