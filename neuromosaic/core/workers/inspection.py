"""Whether what a network returns is what the contract says."""

from typing import Any

import torch
from torch import Tensor, nn

from neuromosaic.core.brief import Contract, TensorSpec
from neuromosaic.core.graph.export import example_inputs
from neuromosaic.core.proposals import Finding
from neuromosaic.core.workers.conversation import first_line, is_out_of_memory
from neuromosaic.core.workers.source import layer_of

BATCHES = (1, 3)


def shape_findings(module: nn.Module, contract: Contract, device: str) -> tuple[list[Finding], list[int] | None]:
    """What is wrong with the outputs in eval mode for batches of one and of three, each fault told once.

    The second value is the shape of one output without its batch axis; None where a pass came to no tensor.
    """
    findings: dict[str, Finding] = {}
    shapes: list[list[int] | None] = []
    for batch in BATCHES:
        (x,) = example_inputs(contract, batch, seed=0)
        output, fault = _forward(module, x.to(device))
        fault = fault or _fault(output, x, contract.output)
        if fault is not None:
            findings.setdefault(fault.code, fault)
        shapes.append(list(output.shape[1:]) if isinstance(output, Tensor) else None)
    return list(findings.values()), None if None in shapes else shapes[-1]


def _forward(module: nn.Module, x: Tensor) -> tuple[Any, Finding | None]:
    module.eval()
    try:
        with torch.no_grad():
            return module(x), None
    except Exception as error:
        if is_out_of_memory(error):
            raise
        message = f"forward of {_named(x)} in eval mode raised {first_line(error)}"
        return None, _finding("forward-raised", message, layer_of(error, module))


def _fault(output: Any, x: Tensor, wanted: TensorSpec) -> Finding | None:
    if not isinstance(output, Tensor):
        return _finding("not-a-tensor", f"forward returns a {type(output).__name__}; return one tensor of raw scores")
    expected = (len(x), *wanted.shape)
    if tuple(output.shape) != expected:
        message = f"for {_named(x)} forward returns {_named(output)}; the contract wants the shape {list(expected)}"
        return _finding("output-shape", message)
    if output.dtype != getattr(torch, wanted.dtype):
        message = f"forward returns {_named(output)}; the contract wants {wanted.dtype}"
        return _finding("output-dtype", message)
    if not output.isfinite().all():
        return _finding("non-finite-output", f"for {_named(x)} forward returns infinite numbers or NaN")
    return None


def _named(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')}{list(tensor.shape)}"


def _finding(code: str, message: str, layer: str | None = None) -> Finding:
    return Finding(gate="shape", code=code, message=message, layer=layer)
