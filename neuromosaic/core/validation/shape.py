"""Gate "shape": the output contract, and what the network costs against the brief."""

from neuromosaic.core.brief import Constraints, Contract
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.proposals import Finding
from neuromosaic.core.protocols import Job, Judge, Program, Sandbox, Verdict
from neuromosaic.core.validation.constraints import in_words, judge_constraints
from neuromosaic.core.validation.faults import run_gate

GATE = "shape"
FIGURES = ("parameters", "flops", "peak_memory_mb")
CODES = {"parameters": "too-many-parameters", "flops": "too-many-flops", "memory_mb": "too-much-memory"}


def check_shape(
    subject: Graph | Program,
    worker: Judge | Sandbox,
    contract: Contract,
    constraints: Constraints,
    timeout: float = 60.0,
) -> Verdict:
    """Figures "parameters", "flops" (one example), "peak_memory_mb" (a batch of `constraints.latency_batch`).

    Raises InfrastructureError where the machine failed.
    """
    arguments = {"contract": contract.model_dump(mode="json"), "batch": constraints.latency_batch}
    verdict = run_gate(GATE, worker, Job("inspect", subject, arguments, timeout=timeout), FIGURES)
    return Verdict(GATE, (*verdict.findings, *_over_limits(constraints, verdict.figures)), verdict.figures)


def _over_limits(constraints: Constraints, figures: dict[str, float]) -> list[Finding]:
    """A finding per limit that a figure is above; latency and metrics are measured later."""
    known = {"memory_mb" if name == "peak_memory_mb" else name: value for name, value in figures.items()}
    judged = judge_constraints(constraints.model_copy(update={"metrics": {}}), known, {})
    missed = [result for result in judged if result.name in known and not result.met]
    return [Finding(gate=GATE, code=CODES[result.name], message=in_words(result)) for result in missed]
