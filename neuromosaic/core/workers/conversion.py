"""A network in another format: written, read again, and run as read, all in the process that rebuilt its graph."""

import io
import warnings
from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor, nn

from neuromosaic.core.graph.tensors import from_torch, to_torch
from neuromosaic.core.protocols import Converse, Job, Message

WEIGHTS: Final = "weights/"
EXAMPLES: Final = 3
"""Rows that a format is made from: other than those that it is tried on, so that a frozen batch shows."""


def convert(module: nn.Module, job: Job, converse: Converse) -> Message:
    """The file as bytes ("file", uint8), and what it computes once loaded.

    "outputs" is for all of `x`, "first" for its first row alone: the batch must stay free.
    """
    weights = {name.removeprefix(WEIGHTS): to_torch(data) for name, data in job.tensors.items() if WEIGHTS in name}
    module.load_state_dict(weights)
    module.eval()
    x = to_torch(job.tensors["x"])
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the formats announce their successors
        data, loaded = FORMATS[job.arguments["to"]](module, x[:EXAMPLES])
        outputs, first = loaded(x), loaded(x[:1])
    file = torch.frombuffer(bytearray(data), dtype=torch.uint8)
    return Message({}, {"file": from_torch(file), "outputs": from_torch(outputs), "first": from_torch(first)})


def _torch_export(module: nn.Module, x: Tensor) -> tuple[bytes, Callable[[Tensor], Tensor]]:
    file = io.BytesIO()
    torch.export.save(_program(module, x), file)
    return file.getvalue(), torch.export.load(io.BytesIO(file.getvalue())).module()


def _torchscript(module: nn.Module, x: Tensor) -> tuple[bytes, Callable[[Tensor], Tensor]]:
    """By way of torch.export, whose program is a plain module."""
    file = io.BytesIO()
    traced = torch.jit.trace(_program(module, x).module(), (x,), check_trace=False)  # type: ignore[no-untyped-call]
    torch.jit.save(traced, file)
    return file.getvalue(), torch.jit.load(io.BytesIO(file.getvalue()))  # type: ignore[no-untyped-call]


def _program(module: nn.Module, x: Tensor) -> torch.export.ExportedProgram:
    """With a free batch; `forward` takes any number of tensors, so that their shapes are one tuple."""
    free = (({0: torch.export.Dim("batch", min=1)},),)
    return torch.export.export(module, (x,), dynamic_shapes=free, strict=False)


FORMATS: Final = {"torch-export": _torch_export, "torchscript": _torchscript}
