"""Lets torch.export follow what it would lose without a word, or trip over.

A graph holds what forward computes, and no backward of its own: a `torch.autograd.Function` (the straight-through
sign, a reversed gradient) or a hook on a parameter would be left out, and the graph would train otherwise than its
module. These are refused. Replaced, by what gives the same answer, are: `len(x)`, which fixes the batch; a checkpoint
of the reentrant kind; and looks at the values of tensors, by PyTorch's own Transformer to see whether its mask is a
causal one, and by distributions to check what they were given.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.distributions import Distribution
from torch.nn.modules import transformer
from torch.utils.checkpoint import CheckpointFunction

from neuromosaic.core.errors import ExportError


@contextmanager
def followed(module: nn.Module) -> Iterator[None]:
    """While `module` is exported. Raises ExportError where a graph would have another gradient."""
    _check_hooks(module)
    with ExitStack() as stack:
        stack.enter_context(patch.object(torch.autograd.Function, "apply", classmethod(_refuse_function)))
        stack.enter_context(patch.object(CheckpointFunction, "apply", _called_at_once))
        stack.enter_context(patch.object(Distribution, "_validate_args", False))
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


def _called_at_once(function: Callable[..., Any], preserve_random_state: bool, *inputs: Any) -> Any:
    return function(*inputs)


def _is_said_to_be_causal(mask: Tensor | None, is_causal: bool | None = None, size: int | None = None) -> bool:
    """Without a word the mask itself is applied, and says the same."""
    return bool(is_causal)


def _length(value: Any) -> Any:
    """`len`, that leaves the size of a tensor free."""
    return value.shape[0] if isinstance(value, Tensor) and value.ndim else len(value)


def _globals(module: nn.Module) -> list[dict[str, Any]]:
    """Of the files, other than PyTorch's, that the parts of `module` come from."""
    forwards = [getattr(getattr(type(part), "forward", None), "__globals__", {}) for part in module.modules()]
    own = {id(names): names for names in forwards if not str(names.get("__name__", "torch")).startswith("torch")}
    return list(own.values())
