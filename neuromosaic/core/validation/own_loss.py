"""A loss of the user's own on the ladder: Python behind the boundary, then a graph that the judge tries."""

from typing import Final

from neuromosaic.core.brief import Contract, TensorSpec
from neuromosaic.core.errors import CandidateError
from neuromosaic.core.graph.packing import as_text
from neuromosaic.core.protocols import Job, Judge, Program, Sandbox
from neuromosaic.core.role_inputs import Finding
from neuromosaic.core.signature import Signature
from neuromosaic.core.tasks import CLASS_BY_POSITION, outputs_of

LARGEST: Final = 1 << 20
"""Characters of a loss as a graph: it travels with every training."""


def loss_graph(program: Program, contract: Contract, sandbox: Sandbox, judge: Judge) -> str:
    """The text of the loss's graph, for `Recipe.loss_graph`.

    `program` builds an nn.Module that maps (output, target) of a batch to one scalar. Raises CandidateError with one
    sentence where it cannot be built, exported, or trained with.
    """
    exported = sandbox.export(program, signature_of_loss(contract))
    faults = [finding for finding in exported.findings if finding.severity == "error"]
    if exported.graph is None or faults:
        raise _refused(program, [*faults, *([exported.obstacle] if exported.obstacle else [])])
    reply = judge.run(Job("weigh", exported.graph, {"contract": contract.model_dump(mode="json")}))
    if found := [Finding.model_validate(one) for one in reply.body["findings"]]:
        raise _refused(program, found)
    text = as_text(exported.graph)
    if len(text) > LARGEST:
        raise CandidateError(f"the loss {program.entry} takes {len(text):,} characters: {LARGEST:,} are the most")
    return text


def signature_of_loss(contract: Contract) -> Signature:
    """What a loss is called with: outputs of the contract, and targets as training has them."""
    return Signature(inputs=(contract.output, targets_of(contract)))


def targets_of(contract: Contract) -> TensorSpec:
    """Of one example: its class, its classes by position, or numbers of the output's shape."""
    output, classes = contract.output.shape, outputs_of(contract)
    match contract.task:
        case "classification":
            return TensorSpec(shape=(), dtype="int64", upper=classes)
        case "metric_learning":
            return TensorSpec(shape=(), dtype="int64", upper=2)
        case "segmentation":
            return TensorSpec(shape=output[1:], dtype="int64", upper=classes)
        case task if task in (*CLASS_BY_POSITION, "language_modelling"):
            return TensorSpec(shape=output[:-1], dtype="int64", upper=classes)
        case _:
            return TensorSpec(shape=output)


def _refused(program: Program, findings: list[Finding]) -> CandidateError:
    first = findings[0]
    where = f" (line {first.line})" if first.line else ""
    return CandidateError(f"the loss {program.entry} cannot be used: {first.message}{where}", first.code)
