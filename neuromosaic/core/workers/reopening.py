"""A network's file, opened and run by a process that has not written it."""

import io
import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn

from neuromosaic.core.graph.tensors import from_torch, to_torch
from neuromosaic.core.protocols import Converse, Job, Message

Network = Callable[[Tensor], Tensor]

WARM_UP, REPEATS, SECONDS, FEWEST = 10, 300, 4.0, 5


def reopen(module: nn.Module, job: Job, converse: Converse) -> Message:
    """What the network in "file" computes for the first rows of `x`: "outputs/N" for each N in `sizes`.

    No more than `batch` rows at once.
    """
    network, x = _opened(job, "file"), to_torch(job.tensors["x"])
    with torch.no_grad():
        found = {
            f"outputs/{size}": torch.cat([network(part) for part in torch.split(x[:size], job.arguments["batch"])])
            for size in job.arguments["sizes"]
        }
    return Message({}, {name: from_torch(outputs) for name, outputs in found.items()})


def race(module: nn.Module, job: Job, converse: Converse) -> Message:
    """Milliseconds of one pass of `x` through "file" and through "beside", by turns: p50 and p95 of each."""
    x = to_torch(job.tensors["x"])
    networks = [_opened(job, "file"), READERS["torch-export"](_bytes(job, "beside"))]
    took: list[list[float]] = [[], []]
    end = time.perf_counter() + SECONDS
    with torch.no_grad():
        for turn in range(WARM_UP + REPEATS):
            for network, own in zip(networks, took, strict=True):
                start = time.perf_counter()
                network(x)
                own.append(1000 * (time.perf_counter() - start))
            if turn >= WARM_UP + FEWEST and time.perf_counter() > end:
                break
    file, beside = (_quantiles(own[WARM_UP:]) for own in took)
    return Message({"file": file, "beside": beside, "threads": torch.get_num_threads()})


def _quantiles(took: Sequence[float]) -> dict[str, float]:
    return {"p50": statistics.median(took), "p95": sorted(took)[-(-95 * len(took) // 100) - 1]}


def _opened(job: Job, name: str) -> Network:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the formats announce their successors
        return READERS[job.arguments["format"]](_bytes(job, name))


def _bytes(job: Job, name: str) -> bytes:
    return to_torch(job.tensors[name]).numpy().tobytes()


def _torch_export(data: bytes) -> Network:
    module: Network = torch.export.load(io.BytesIO(data)).module()
    return module


def _torchscript(data: bytes) -> Network:
    module: Network = torch.jit.load(io.BytesIO(data))  # type: ignore[no-untyped-call]
    return module


def _onnx(data: bytes) -> Network:
    """In ONNX Runtime, once ONNX's own checker has passed it."""
    import onnx
    import onnxruntime

    onnx.checker.check_model(data, full_check=True)
    options: Any = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors alone: that the walls hide the machine from it is meant
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])

    def run(x: Tensor) -> Tensor:
        (outputs,) = session.run(["outputs"], {"x": x.numpy()})
        return torch.from_numpy(outputs)

    return run


READERS: Final[dict[str, Callable[[bytes], Network]]] = {
    "torch-export": _torch_export, "int8": _torch_export, "bf16": _torch_export, "torchscript": _torchscript,
    "onnx": _onnx,
}  # fmt: skip
