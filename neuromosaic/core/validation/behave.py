"""Gates "behave" and "learn": forward and backward on examples."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from neuromosaic.core.errors import CandidateError, WorkerError
from neuromosaic.core.graph.document import Graph, TensorData
from neuromosaic.core.protocols import Job, Judge, Program, Sandbox, Verdict
from neuromosaic.core.signature import Signature
from neuromosaic.core.validation.faults import fault, read_findings, run_gate

MOST, FEWEST = 32, 2
"""Examples."""
CHEAP_MB, CHEAP_FLOPS = 500.0, 3e9
"""What all examples together may need, unless already two need more."""
LEARNING: Final = ("loss_before", "loss_after", "gradient_norm")


@dataclass(frozen=True)
class Examples:
    """What a network is exercised on: `tensors` "x/0", "x/1"... and, where targets are known, "y"; none where the
    signature is enough to draw them. `cut`: whether the batch may be made smaller."""

    tensors: Mapping[str, TensorData]
    cut: bool = True


DRAWN: Final = Examples({})


def how_many(figures: Mapping[str, float]) -> int:
    """Examples of which a pass is cheap; `figures` are those of the gate "shape"."""
    by_memory = CHEAP_MB / max(figures.get("allocated_mb", 0.0), 1e-3)
    by_work = CHEAP_FLOPS / max(figures.get("flops", 0.0), 1.0)
    return int(max(FEWEST, min(MOST, by_memory, by_work)))


def check_behaviour(
    subject: Graph | Program, worker: Judge | Sandbox, signature: Signature, examples: Examples, number: int,
    timeout: float = 60.0,
) -> Verdict:  # fmt: skip
    """Finite, every parameter learns, no leak across the batch, same in same out...; figure "seconds_per_step".

    Raises InfrastructureError where the machine failed.
    """
    job = _job("behave", subject, signature, examples, number, timeout)
    return run_gate("behave", worker, job, ("seconds_per_step",))


def check_learning(
    subject: Graph | Program, worker: Judge | Sandbox, signature: Signature, examples: Examples, number: int,
    timeout: float = 60.0,
) -> Verdict:  # fmt: skip
    """The loss of one small batch falls; figures "loss_before", "loss_after" and "gradient_norm", where finite.

    Raises InfrastructureError where the machine failed.
    """
    try:
        body = worker.run(_job("learn", subject, signature, examples, number, timeout)).body
        told = body.get("figures")
        figures = (
            {name: told[name] for name in LEARNING if _is_finite(told.get(name))} if isinstance(told, dict) else {}
        )
        return Verdict("learn", read_findings("learn", body), figures)
    except (CandidateError, WorkerError) as error:
        return Verdict("learn", (fault("learn", error),))


def _is_finite(value: Any) -> bool:
    return isinstance(value, float) and math.isfinite(value)


def _job(
    kind: str, subject: Graph | Program, signature: Signature, examples: Examples, number: int, timeout: float
) -> Job:
    arguments: dict[str, Any] = {"signature": signature.model_dump(mode="json"), "examples": number}
    return Job(kind, subject, {**arguments, "cut": examples.cut}, dict(examples.tensors), timeout)
