"""Gate "behave": forward and backward on real examples."""

from typing import Any

from numpy.typing import NDArray

from neuromosaic.core.brief import Contract
from neuromosaic.core.evaluation.recipe import Loss
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.graph.tensors import from_numpy
from neuromosaic.core.protocols import Job, Judge, Program, Sandbox, Verdict
from neuromosaic.core.validation.faults import run_gate

GATE = "behave"


def check_behaviour(
    subject: Graph | Program,
    worker: Judge | Sandbox,
    contract: Contract,
    loss: Loss,
    x: NDArray[Any],
    y: NDArray[Any],
    timeout: float = 60.0,
) -> Verdict:
    """Finite, every parameter learns, no leak across the batch, same in same out...; figure "seconds_per_step".

    `x` [n, *input shape] and `y` [n, ...] are training examples. Raises InfrastructureError where the machine failed.
    """
    arguments = {"contract": contract.model_dump(mode="json"), "loss": loss, "batch": len(x)}
    tensors = {"x": from_numpy(x), "y": from_numpy(y)}
    return run_gate(GATE, worker, Job("behave", subject, arguments, tensors, timeout), ("seconds_per_step",))
