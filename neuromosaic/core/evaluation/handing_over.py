"""Arrays on their way to a worker: copied where they are in memory, by their file where they lie on the disk."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromosaic.core.brief import Contract
from neuromosaic.core.evaluation.data.room import OnDisk, most_in_memory
from neuromosaic.core.evaluation.generation import noise_for
from neuromosaic.core.graph.document import FileData, Graph, TensorData
from neuromosaic.core.graph.tensors import from_numpy, to_numpy
from neuromosaic.core.protocols import Job, Judge, Program, Sandbox

BATCH = 256
PIECE = 256 * 10**6  # bytes of examples in one message


def handed_over(arrays: Mapping[str, NDArray[Any]]) -> tuple[dict[str, TensorData], dict[str, FileData]]:
    """What is sent, and what is read from its file; the arrays must live until the job is done."""
    files = {
        name: FileData(array.dtype.name, array.shape, array.file.fileno())
        for name, array in arrays.items()
        if isinstance(array, OnDisk) and array.file is not None
    }
    return {name: from_numpy(array) for name, array in arrays.items() if name not in files}, files


def predicted(
    worker: Judge | Sandbox, subject: Graph | Program, x: NDArray[Any], more: Mapping[str, TensorData],
    timeout: float, contract: Contract | None = None,
) -> NDArray[Any]:  # fmt: skip
    """The outputs for all examples, float32 [n, ...]; those on the disk go to the worker some at a time.

    `more`: tensors that each "predict" job gets; `timeout` in seconds for each. With the `contract` of a generative
    network what it does with the host's noise, [n, parts, ...], as it is scored. Raises what `run` raises.
    """
    outputs = []
    noise = None if contract is None else noise_for(contract, len(x)).get("noise")
    arguments = {"batch": BATCH, "generative": None if contract is None else contract.generative}
    for rows in pieces(x):
        arrays = {"x": x[rows]} | ({} if noise is None else {"noise": noise[rows]})
        tensors = {name: from_numpy(array) for name, array in arrays.items()} | dict(more)
        reply = worker.run(Job("predict", subject, arguments, tensors, timeout))
        outputs.append(to_numpy(reply.tensors["outputs"]))
    return outputs[0] if len(outputs) == 1 else np.concatenate(outputs)


def pieces(x: NDArray[Any]) -> list[slice]:
    """Slices of whole batches, so that outputs are the same to the last bit; one piece of what is in memory."""
    if x.nbytes <= most_in_memory():
        return [slice(0, len(x))]
    rows = BATCH * max(1, PIECE // (BATCH * max(1, x[:1].nbytes)))
    return [slice(start, start + rows) for start in range(0, len(x), rows)]
