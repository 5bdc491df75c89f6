"""What a generative network has besides forward: the methods of its kind. Runs in a worker.

Of an autoregressive one also whether each value's conditionals hang on nothing but the values before it.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from neuromosaic.core.errors import CandidateError
from neuromosaic.core.evaluation.autoregression import conditionals, peek_anywhere
from neuromosaic.core.evaluation.generating import METHODS
from neuromosaic.core.role_inputs import Finding
from neuromosaic.core.signature import Signature
from neuromosaic.core.workers.conversation import first_line, is_out_of_memory

Inputs = tuple[Tensor, ...]
LEAK = 1e-3
"""Of the scale of what a method gives: kernels differ by far less between batches."""


class _Call(NamedTuple):
    """Examples of what a method takes, and one of what it gives; None for conditionals, of as many components as it
    likes."""

    given: Inputs
    wanted: Tensor | None


def methods(module: nn.Module, inputs: Inputs, signature: Signature) -> dict[str, Inputs]:
    """By name examples of the inputs of each of the methods that the network has; none for other tasks."""
    calls = _calls(inputs[0], signature) if signature.generative else {}
    return {name: call.given for name, call in calls.items() if callable(getattr(module, name, None))}


def generative_faults(module: nn.Module, inputs: Inputs, signature: Signature) -> Iterator[Finding]:
    """Where a method of its kind, in eval mode, is missing, gives another shape, or mixes the examples of a batch."""
    calls = _calls(inputs[0], signature) if signature.generative else {}
    for name, call in calls.items():
        fault = _fault(module, name, call, signature)
        if fault is None and name == "conditionals" and not call.given[0].is_meta:
            fault = _looks_ahead(module, *call.given)
        if fault is not None:
            yield fault


def _looks_ahead(module: nn.Module, x: Tensor) -> Finding | None:
    """Where conditionals hang on a value that is not before theirs: of an example, with each place hidden in turn."""
    with torch.no_grad():
        found = peek_anywhere(module, x[-1:])
    if found is None:
        return None
    return _finding("not-causal", f"{found}: shift or mask the layers, and norm over no pixels or steps")


def _calls(x: Tensor, signature: Signature) -> dict[str, _Call]:
    if signature.generative == "diffusion":
        return {"denoise": _Call((x, _levels(x)), x)}
    if signature.generative == "autoregressive":
        return {"conditionals": _Call((x,), None)}
    codes = _codes(x, signature.latent or 1)
    calls = {"encode": _Call((x,), codes), "decode": _Call((codes,), x)}
    return {name: calls[name] for name in METHODS[signature.generative or "autoencoder"]}


def _fault(module: nn.Module, name: str, call: _Call, signature: Signature) -> Finding | None:
    method = getattr(module, name, None)
    if not callable(method):
        wanted = ", ".join(METHODS[signature.generative or "autoencoder"])
        message = f"the network has no {name}: a generative one of this kind needs {wanted} and sample"
        return _finding(f"no-{name}", message)
    shape = list(call.given[0].shape)
    try:
        with torch.no_grad():
            found = method(*call.given) if call.wanted is not None else conditionals(module, *call.given)
            alone = method(*(values[:1] for values in call.given))
    except Exception as error:
        if is_out_of_memory(error):
            raise
        code = error.code if isinstance(error, CandidateError) and error.code else f"{name}-raised"
        return _finding(code, f"{name} of {shape} raised {first_line(error)}")
    shape_wanted = found.shape if call.wanted is None else call.wanted.shape
    if not isinstance(found, Tensor) or found.shape != shape_wanted or found.dtype != torch.float32:
        other = list(found.shape) if isinstance(found, Tensor) else type(found).__name__
        return _finding(f"{name}-shape", f"{name} of {shape} gives {other}; wanted: {list(shape_wanted)}")
    if not found.is_meta and not _agree(found[:1], alone):
        return _finding(f"{name}-leak", f"{name} of an example changes with the others in its batch")
    return None


def _agree(one: Tensor, other: Tensor) -> bool:
    """Also where both are not finite: that has a finding of its own."""
    scale = float(one.nan_to_num().abs().max().clamp(min=1e-4))
    return one.shape == other.shape and bool(((one - other).nan_to_num().abs() <= LEAK * scale).all())


def _codes(x: Tensor, latent: int) -> Tensor:
    """Standard normal draws, as many as there are examples."""
    if x.is_meta:
        return torch.empty((len(x), latent), device="meta")
    return torch.randn((len(x), latent), generator=torch.Generator().manual_seed(0)).to(x.device)


def _levels(x: Tensor) -> Tensor:
    """Shares of noise, another for each example."""
    return torch.linspace(0.2, 0.8, len(x), device=x.device)


def _finding(code: str, message: str) -> Finding:
    return Finding(gate="shape", code=code, message=message)
