"""A network in another format: written by the process that rebuilt its graph, opened by another (reopening.py)."""

import io
import warnings
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn

from neuromosaic.core.evaluation.losses import answer
from neuromosaic.core.graph.tensors import from_torch, to_torch
from neuromosaic.core.protocols import Converse, Job, Message
from neuromosaic.core.workers.variants import in_bfloat16, in_int8

WEIGHTS: Final = "weights/"
EXAMPLES: Final = 3
"""Rows that a format is made from: other than those that it is tried on, so that a frozen batch shows."""

Network = Callable[[Tensor], Any]


class Written(NamedTuple):
    """`variant`: what the file should compute once it is opened, where that is not what the network computes."""

    data: bytes
    told: dict[str, Any]
    variant: Network | None = None


def convert(module: nn.Module, job: Job, converse: Converse) -> Message:
    """The file as bytes ("file", uint8), and of a variant what it computes for `x` as written ("outputs")."""
    x = to_torch(job.tensors["x"])
    module = answering(with_weights(module, job), x[:EXAMPLES])
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the formats announce their successors
        written = WRITERS[job.arguments["to"]](module, x[:EXAMPLES])
        outputs = {"outputs": from_torch(written.variant(x))} if written.variant else {}
    file = torch.frombuffer(bytearray(written.data), dtype=torch.uint8)
    return Message(written.told, {"file": from_torch(file), **outputs})


def with_weights(module: nn.Module, job: Job) -> nn.Module:
    """In eval mode, with the weights that the job brings."""
    given = {name.removeprefix(WEIGHTS): data for name, data in job.tensors.items() if name.startswith(WEIGHTS)}
    module.load_state_dict({name: to_torch(data) for name, data in given.items()})
    return module.eval()


def answering(module: nn.Module, x: Tensor) -> nn.Module:
    """The network without the scalars that it declares: a format holds what the contract promises."""
    with torch.no_grad():
        return Answering(module).eval() if isinstance(module(x), dict) else module


class Answering(nn.Module):
    """What the contract promises of a network that returns more."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Any:
        return answer(self.network(x))


def program(module: nn.Module, x: Tensor) -> torch.export.ExportedProgram:
    """With a free batch; `forward` takes any number of tensors, so that their shapes are one tuple."""
    free = (({0: torch.export.Dim("batch", min=1)},),)
    return torch.export.export(module, (x,), dynamic_shapes=free, strict=False)


def _torch_export(module: nn.Module, x: Tensor) -> Written:
    return Written(_saved(program(module, x)), {})


def _torchscript(module: nn.Module, x: Tensor) -> Written:
    """By way of torch.export, whose program is a plain module."""
    file = io.BytesIO()
    traced = torch.jit.trace(program(module, x).module(), (x,), check_trace=False)  # type: ignore[no-untyped-call]
    torch.jit.save(traced, file)
    return Written(file.getvalue(), {})


def _onnx(module: nn.Module, x: Tensor) -> Written:
    """One input "x" and one output "outputs", both with a first dimension "batch" of any size."""
    made = torch.onnx.export(
        program(module, x), dynamo=True, input_names=["x"], output_names=["outputs"], verbose=False,
        external_data=False,
    )  # fmt: skip
    assert made is not None  # only the older exporter gives nothing back
    opsets = {one.domain or "ai.onnx": one.version for one in made.model_proto.opset_import}
    return Written(made.model_proto.SerializeToString(), {"opsets": opsets})


def _int8(module: nn.Module, x: Tensor) -> Written:
    changed, told = in_int8(program(module, x))
    return _variant(changed, told, x)


def _bf16(module: nn.Module, x: Tensor) -> Written:
    changed, told = in_bfloat16(program(module, x))
    return _variant(changed, told, x)


def _variant(changed: torch.fx.GraphModule, told: dict[str, Any], x: Tensor) -> Written:
    made = torch.export.export(changed, (x,), dynamic_shapes=_FREE, strict=False)
    size = sum(held.nbytes for held in changed.state_dict().values())
    return Written(_saved(made), {**told, "weights_bytes": size}, changed)


_FREE: Final = ({0: torch.export.Dim("batch", min=1)},)


def _saved(made: torch.export.ExportedProgram) -> bytes:
    file = io.BytesIO()
    torch.export.save(made, file)
    return file.getvalue()


WRITERS: Final[dict[str, Callable[[nn.Module, Tensor], Written]]] = {
    "torch-export": _torch_export, "torchscript": _torchscript, "onnx": _onnx, "int8": _int8, "bf16": _bf16,
}  # fmt: skip
