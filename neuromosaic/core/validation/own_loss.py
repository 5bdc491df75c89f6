"""A loss that somebody wrote, on the ladder: Python behind the boundary, then a graph that the judge tries."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from neuromosaic.core.brief import Contract
from neuromosaic.core.errors import CandidateError, WorkerError
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.graph.packing import as_text
from neuromosaic.core.protocols import Job, Judge, Program, Sandbox
from neuromosaic.core.role_inputs import Finding
from neuromosaic.core.signature import Signature
from neuromosaic.core.tasks import targets_of
from neuromosaic.core.validation.faults import fault
from neuromosaic.core.validation.parse import check_source

LARGEST: Final = 1 << 20
"""Characters of a loss as a graph: it travels with every training."""
GATE: Final = "loss"


class LossClimb(NamedTuple):
    """How far a loss came: the text of its `graph`, for `Recipe.loss_graph`, or the errors that keep it from one."""

    graph: str | None
    findings: tuple[Finding, ...] = ()


def climb_loss(program: Program, contract: Contract, sandbox: Sandbox, judge: Judge, *, strict: bool) -> LossClimb:
    """`program` builds an nn.Module that maps (output, target) of a batch to one scalar.

    `strict`: it imports PyTorch and little else, as what is to be delivered must. Raises InfrastructureError where
    the machine failed; whatever is wrong with the loss is a finding.
    """
    parsed = check_source(program, signature_of_loss(contract), strict=strict)
    if errors := _errors(parsed.findings):
        return LossClimb(None, errors)
    try:
        exported = sandbox.export(program, signature_of_loss(contract))
    except (CandidateError, WorkerError) as error:
        return LossClimb(None, (fault(GATE, error),))
    errors = _errors(exported.findings)
    if exported.graph is None or errors:
        obstacle = [exported.obstacle] if exported.obstacle else []
        return LossClimb(None, _errors([*errors, *obstacle], always=True))
    return _weighed(exported.graph, contract, judge)


def loss_graph(program: Program, contract: Contract, sandbox: Sandbox, judge: Judge) -> str:
    """The text of the loss's graph, for `Recipe.loss_graph`.

    As `climb_loss`, with a looser policy. Raises CandidateError with one sentence where it cannot be used.
    """
    climb = climb_loss(program, contract, sandbox, judge, strict=False)
    if climb.graph is None:
        first = climb.findings[0]
        where = f" (line {first.line})" if first.line else ""
        raise CandidateError(f"the loss {program.entry} cannot be used: {first.message}{where}", first.code)
    return climb.graph


def _weighed(graph: Graph, contract: Contract, judge: Judge) -> LossClimb:
    try:
        reply = judge.run(Job("weigh", graph, {"contract": contract.model_dump(mode="json")}))
    except (CandidateError, WorkerError) as error:
        return LossClimb(None, (fault(GATE, error),))
    if found := [Finding.model_validate(one) for one in reply.body["findings"]]:
        return LossClimb(None, tuple(found))
    text = as_text(graph)
    if len(text) > LARGEST:
        message = f"as a graph it takes {len(text):,} characters: {LARGEST:,} are the most"
        return LossClimb(None, (Finding(gate=GATE, code="too-large", message=message),))
    return LossClimb(text)


def _errors(findings: Sequence[Finding], *, always: bool = False) -> tuple[Finding, ...]:
    """Those that stop it, or all of them; a loss is in a file of its own."""
    stopping = [finding for finding in findings if always or finding.severity == "error"]
    changes = [{"message": one.message.replace("model.py", "loss.py"), "severity": "error"} for one in stopping]
    return tuple(one.model_copy(update=change) for one, change in zip(stopping, changes, strict=True))


def signature_of_loss(contract: Contract) -> Signature:
    """What a loss is called with: outputs of the contract, and targets as training has them."""
    return Signature(inputs=(contract.output, targets_of(contract)))
