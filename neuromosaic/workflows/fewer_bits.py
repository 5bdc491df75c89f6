"""Certified networks in int8 and bfloat16: which there are, and which belong on the front."""

from collections.abc import Sequence
from typing import Final

from neuromosaic.core.evaluation.metrics import higher_is_better
from neuromosaic.core.results import CandidateResult, Numbers
from neuromosaic.core.search.pareto import dominates, pareto_front
from neuromosaic.delivery.text import variant_file
from neuromosaic.workflows.bench import Workbench

FORMATS: Final[tuple[Numbers, ...]] = ("int8", "bf16")


def step_of(original: str, numbers: Numbers) -> str:
    """Under which a variant of the candidate with this id is stored."""
    return f"certificate/{original}/{numbers}"


def in_fewer_bits(bench: Workbench, originals: Sequence[CandidateResult]) -> list[CandidateResult]:
    """The variants that came through, whether or not they are on the front."""
    stored = [bench.store.step(bench.run, step_of(one.id, numbers)) for one in originals for numbers in FORMATS]
    return [CandidateResult.model_validate(step["result"]) for step in stored if step and "result" in step]


def files_of(bench: Workbench, delivered: CandidateResult, front: Sequence[CandidateResult]) -> dict[str, bytes]:
    """The files of the variants on the front, by the names under which they lie beside the delivered network."""
    own = {variant_file(one, delivered): bench.store.step(bench.run, step_of(one.made_from, one.numbers))
           for one in front if one.made_from}  # fmt: skip
    return {name: bench.store.get(step["file"]) for name, step in own.items()}


def with_variants(
    bench: Workbench, front: list[CandidateResult], variants: list[CandidateResult]
) -> list[CandidateResult]:
    """The front, and those variants that nothing beats in metric, bytes of weights and FLOPs.

    An original stays where its own variant beats it: it is what can be trained, and what runs everywhere.
    """
    primary = bench.plan.primary
    sign = -1 if higher_is_better(primary) else 1

    def costs(one: CandidateResult) -> tuple[float, ...]:
        return sign * one.metrics[f"val_{primary}"], one.weights_bytes or 4 * one.parameters, one.flops

    own = pareto_front(variants, costs)
    return front + [one for one in own if not any(dominates(costs(other), costs(one)) for other in front)]
