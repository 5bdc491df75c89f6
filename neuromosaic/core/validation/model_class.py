"""What the class `Model` of a proposed model.py must look like, read from its syntax."""

import ast
from collections.abc import Iterator

from neuromosaic.core.brief import Contract
from neuromosaic.core.proposals import Finding
from neuromosaic.core.syntax import method

GATE = "parse"


def check_model(tree: ast.Module, contract: Contract) -> Iterator[Finding]:
    """One top-level class `Model`, a module, with a `forward` of one input and no constructor argument left open."""
    models = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Model"]
    if not models:
        yield _finding("no-model", "model.py defines no class named Model at its top level: add one", None)
        return
    if len(models) > 1:
        yield _finding("model-twice", "model.py defines the class Model more than once: keep one", models[1].lineno)
        return
    if not models[0].bases:
        message = "Model is no network: write `class Model(nn.Module)`"
        yield _finding("model-not-a-module", message, models[0].lineno)
    yield from _open_arguments(method("__init__", tree))
    yield from _check_forward(models[0], tree, contract)


def _open_arguments(constructor: ast.FunctionDef | None) -> Iterator[Finding]:
    for argument in _required(constructor, skip=1) if constructor else []:
        message = f"Model() cannot be built: the constructor's argument {argument.arg!r} has no default; give it one"
        yield _finding("argument-without-default", message, argument.lineno)


def _check_forward(model: ast.ClassDef, tree: ast.Module, contract: Contract) -> Iterator[Finding]:
    forward = method("forward", tree)
    if forward is None:
        classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
        if not _inherits_from_outside(model, classes):
            yield _finding("no-forward", "Model has no method forward(self, x): add it", model.lineno)
        return
    extra = _required(forward, skip=2)
    if extra or not (forward.args.vararg or len([*forward.args.posonlyargs, *forward.args.args]) >= 2):
        shape = ["batch", *contract.input.shape]
        message = f"forward must take one tensor {shape} beside self: write forward(self, x)"
        yield _finding("forward-arguments", message, forward.lineno)


def _inherits_from_outside(model: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> bool:
    """Whether a base, near or far, is a library's class with a `forward` of its own (nn.Sequential)."""
    bases = [ast.unparse(base) for base in model.bases]
    own = [classes[base] for base in bases if base in classes and base != model.name]
    foreign = [base for base in bases if base not in classes]
    plain = {"nn.Module", "torch.nn.Module", "Module", "object"}
    return any(base not in plain for base in foreign) or any(_inherits_from_outside(base, classes) for base in own)


def _required(function: ast.FunctionDef, skip: int) -> list[ast.arg]:
    """Arguments without default, the first `skip` positional ones left out."""
    positional = [*function.args.posonlyargs, *function.args.args]
    without = positional[: len(positional) - len(function.args.defaults)][skip:]
    keyword = zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)
    return without + [argument for argument, default in keyword if default is None]


def _finding(code: str, message: str, line: int | None) -> Finding:
    return Finding(gate=GATE, code=code, message=message, line=line)
