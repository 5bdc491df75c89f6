"""Gate "shape": the output contract, and what the network costs against the brief."""

import os
from typing import Any, Final

from neuromosaic.core.brief import Constraints
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.protocols import Exported, Job, Judge, Program, Sandbox, Verdict
from neuromosaic.core.role_inputs import Finding
from neuromosaic.core.signature import Signature
from neuromosaic.core.validation.constraints import in_words, judge_constraints
from neuromosaic.core.validation.faults import run_gate

GATE = "shape"
FIGURES = ("parameters", "flops", "peak_memory_mb", "allocated_mb")
CODES = {"parameters": "too-many-parameters", "flops": "too-many-flops", "memory_mb": "too-much-memory"}
MODEST_MB: Final = 1000.0
LARGEST_DEVICE_MB: Final = 288_000.0
"""No accelerator sold has more memory than 288 GB: what one pass of a network needs must be below, also where the
user has set no limit."""


def check_shape(
    subject: Graph | Program,
    worker: Judge | Sandbox,
    signature: Signature,
    constraints: Constraints,
    exported: Exported,
    seed: int = 0,
    timeout: float = 60.0,
) -> Verdict:
    """Figures "parameters", "flops" and "peak_memory_mb", "allocated_mb".

    FLOPs are of one example, memory is of a batch of `constraints.latency_batch`; where the file makes its own
    inputs, both are of these. A graph that is too large to be run here is looked at by its shapes alone. Raises
    InfrastructureError where the machine failed.
    """
    arguments = {
        "signature": signature.model_dump(mode="json"), "batch": constraints.latency_batch, "seed": seed,
    }  # fmt: skip
    job = Job("inspect", subject, arguments, _tensors(subject, signature, exported), timeout)
    if exported.outputs or isinstance(subject, Program):
        verdict = run_gate(GATE, worker, job, FIGURES)
    if isinstance(subject, Graph) and (not exported.outputs or _is_too_much(verdict)):
        described = {**arguments, "described": _one_example(signature, exported)}
        verdict = run_gate(GATE, worker, Job("inspect", subject, described, timeout=timeout), FIGURES)
    limits = constraints.model_copy(update={"memory_mb": constraints.memory_mb or _most_memory_mb(signature)})
    faults = (*_over_limits(limits, verdict.figures), *_hidden_allocation(exported, verdict.figures))
    return Verdict(GATE, (*verdict.findings, *faults), verdict.figures)


def _tensors(subject: Graph | Program, signature: Signature, exported: Exported) -> dict[str, Any]:
    """What the Python said to its inputs, for a graph to be compared with; as inputs, where nobody has stated any."""
    given = {} if signature.inputs else {f"x/{number}": tensor for number, tensor in enumerate(exported.inputs)}
    if isinstance(subject, Program):
        return given
    seen = {f"seen/{number}": tensor for number, tensor in enumerate(exported.inputs)}
    said = {f"said/{number}": tensor for number, tensor in enumerate(exported.outputs)}
    return {**seen, **said, **given}


def _is_too_much(verdict: Verdict) -> bool:
    return any(finding.code in ("memory", "timeout") for finding in verdict.findings)


def _one_example(signature: Signature, exported: Exported) -> list[dict[str, Any]]:
    """The inputs' shapes for the judge, with a batch of one where the batch is ours to choose."""
    described = [dict(one) for one in exported.described]
    for axis in signature.batch_axes[:1] if signature.inputs else ():
        for one in described:
            one["shape"] = [1 if place == axis else size for place, size in enumerate(one["shape"])]
    return described


def _over_limits(constraints: Constraints, figures: dict[str, float]) -> list[Finding]:
    """A finding per limit that a figure is above; latency and metrics are measured later."""
    known = {"memory_mb" if name == "peak_memory_mb" else name: value for name, value in figures.items()}
    judged = judge_constraints(constraints.model_copy(update={"metrics": {}}), known, {})
    missed = [result for result in judged if result.name in known and not result.met]
    return [Finding(gate=GATE, code=CODES[result.name], message=in_words(result)) for result in missed]


def _most_memory_mb(signature: Signature) -> float:
    """Without a limit: one example must fit into this machine; a file's own inputs may be meant for another one."""
    return _machine_mb() if signature.inputs else LARGEST_DEVICE_MB


def _machine_mb() -> float:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e6


def _hidden_allocation(exported: Exported, figures: dict[str, float]) -> list[Finding]:
    """Memory that the Python takes and the graph does not know of, for nothing comes of it."""
    if not exported.exhausted or figures.get("allocated_mb", 0.0) > MODEST_MB:
        return []
    message = "forward takes more memory than a worker has, though little comes of it: look for a huge tensor"
    return [Finding(gate=GATE, code="memory", message=message)]


def too_large_to_exercise(verdict: Verdict, budget_mb: float, signature: Signature) -> Finding | None:
    """Whether a training step needs more memory than a worker has; then nothing is said of how it behaves.

    A fault where it is more than this machine has for one example of a network that is to be trained.
    """
    needed = 3 * verdict.figures.get("allocated_mb", 0.0)
    if needed <= budget_mb:
        return None
    if signature.inputs and signature.severity == "error" and needed > _machine_mb():
        message = (
            f"training on one example needs about {needed / 1000:.1f} GB, this machine has {_machine_mb() / 1000:.1f}"
        )
        return Finding(gate="behave", code=CODES["memory_mb"], message=message)
    message = (
        f"a training step needs about {needed / 1000:.1f} GB, a worker has {budget_mb / 1000:.1f}: not exercised"
    )
    return Finding(gate="behave", code="not-exercised", message=message, severity="warning")
