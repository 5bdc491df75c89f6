"""Lets torch.export follow what it would lose without a word, or trip over.

A graph holds what forward computes, and no backward of its own: a `torch.autograd.Function` (the straight-through
sign, a reversed gradient) or a hook on a gradient would be left out, and the graph would train otherwise than its
module. These are refused. `len(x)` fixes the batch, and PyTorch's own Transformer looks at the values of its mask to
see whether it is a causal one: both are replaced by what gives the same answer.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.nn.modules import transformer

from neuromosaic.core.errors import ExportError


@contextmanager
def followed(module: nn.Module) -> Iterator[None]:
    """While `module` is exported. Raises ExportError where a graph would have another gradient."""
    _check_hooks(module)
    with ExitStack() as stack:
        stack.enter_context(patch.object(torch.autograd.Function, "apply", classmethod(_refuse_function)))
        stack.enter_context(patch.object(Tensor, "register_hook", _refuse_hook))
        stack.enter_context(patch.object(transformer, "_detect_is_causal_mask", _is_said_to_be_causal))
        for names in _globals(module):
            stack.enter_context(patch.dict(names, {"len": _length}))
        yield


def _check_hooks(module: nn.Module) -> None:
    for name, parameter in module.named_parameters():
        if parameter._backward_hooks:
            layer = name.rpartition(".")[0]
            raise ExportError(f"a hook changes the gradient of {name}, which a graph cannot hold", layer=layer)


def _refuse_function(function: type[Any], *inputs: Any, **named: Any) -> Any:
    raise ExportError(f"{function.__name__} has a backward of its own, which a graph cannot hold")


def _refuse_hook(tensor: Tensor, hook: Callable[..., Any]) -> Any:
    raise ExportError("a hook on a gradient is nothing that a graph can hold")


def _is_said_to_be_causal(mask: Tensor | None, is_causal: bool | None = None, size: int | None = None) -> bool:
    """Without a word the mask itself is applied, and says the same."""
    return bool(is_causal)


def _length(value: Any) -> Any:
    """`len`, that leaves the size of a tensor free."""
    return value.shape[0] if isinstance(value, Tensor) and value.ndim else len(value)


def _globals(module: nn.Module) -> list[dict[str, Any]]:
    """Of the files, other than PyTorch's, that the parts of `module` come from."""
    forwards = [getattr(type(part).forward, "__globals__", {}) for part in module.modules()]
    own = {id(names): names for names in forwards if not str(names.get("__name__", "torch")).startswith("torch")}
    return list(own.values())
