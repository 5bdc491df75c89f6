"""Specs as modules, built by the text that is emitted for them."""

import ast
import builtins
import functools
from typing import TYPE_CHECKING, Any

from neuromosaic.core.architecture import library
from neuromosaic.core.architecture.emission import emit_model

if TYPE_CHECKING:
    from neuromosaic.core.architecture.spec import ArchitectureSpec


def build(spec: "ArchitectureSpec") -> Any:
    """A fresh module with weights of its own."""
    return _model_class(emit_model(spec))()


@functools.lru_cache(maxsize=256)
def _model_class(source: str) -> Any:
    names = _blocks(tuple(library.definitions().items()))
    compiled = compile(ast.parse(source), "<emitted model>", "exec")
    own = dict(names)
    exec(compiled, own)  # noqa: S102  (our own emission)
    return own["Model"]


@functools.lru_cache(maxsize=4)
def _blocks(known: tuple[tuple[str, library.Definition], ...]) -> dict[str, Any]:
    """Every block, made by its text once for all models."""
    import itertools
    import math

    import torch
    from torch import Tensor, nn

    names: dict[str, Any] = {
        "torch": torch,
        "nn": nn,
        "Tensor": Tensor,
        "math": math,
        "itertools": itertools,
        "__name__": "emitted",
    }
    names["__builtins__"] = builtins
    for definition in library.needed(dict(known)):
        exec(definition.code, names)  # noqa: S102  (our own blocks)
    return names
