"""What a generative network has besides forward: `encode` and `decode`. Runs in a worker."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from neuromosaic.core.errors import CandidateError
from neuromosaic.core.graph.checking import METHODS
from neuromosaic.core.role_inputs import Finding
from neuromosaic.core.signature import Signature
from neuromosaic.core.workers.conversation import first_line, is_out_of_memory

Inputs = tuple[Tensor, ...]


def methods(module: nn.Module, inputs: Inputs, signature: Signature) -> dict[str, Tensor]:
    """By name an example of the one input of each of the methods that the network has; none for other tasks."""
    if signature.latent is None:
        return {}
    examples = {"encode": inputs[0], "decode": _codes(inputs[0], signature.latent)}
    return {name: examples[name] for name in METHODS if callable(getattr(module, name, None))}


def generative_faults(module: nn.Module, inputs: Inputs, signature: Signature) -> Iterator[Finding]:
    """Where `encode` and `decode`, in eval mode, give other than codes of the size asked for, and examples."""
    if signature.latent is None:
        return
    codes = _codes(inputs[0], signature.latent)
    for name, given, wanted in (("encode", inputs[0], codes), ("decode", codes, inputs[0])):
        if (fault := _fault(module, name, given, wanted)) is not None:
            yield fault


def _fault(module: nn.Module, name: str, given: Tensor, wanted: Tensor) -> Finding | None:
    method = getattr(module, name, None)
    if not callable(method):
        return _finding(f"no-{name}", f"the network has no {name}: a generative one needs encode, decode and sample")
    try:
        with torch.no_grad():
            found = method(given)
    except Exception as error:
        if is_out_of_memory(error):
            raise
        code = error.code if isinstance(error, CandidateError) and error.code else f"{name}-raised"
        return _finding(code, f"{name} of {list(given.shape)} raised {first_line(error)}")
    if not isinstance(found, Tensor) or found.shape != wanted.shape or found.dtype != torch.float32:
        shape = list(found.shape) if isinstance(found, Tensor) else type(found).__name__
        return _finding(f"{name}-shape", f"{name} of {list(given.shape)} gives {shape}; wanted: {list(wanted.shape)}")
    return None


def _codes(x: Tensor, latent: int) -> Tensor:
    """Standard normal draws, as many as there are examples."""
    if x.is_meta:
        return torch.empty((len(x), latent), device="meta")
    return torch.randn((len(x), latent), generator=torch.Generator().manual_seed(0)).to(x.device)


def _finding(code: str, message: str) -> Finding:
    return Finding(gate="shape", code=code, message=message)
