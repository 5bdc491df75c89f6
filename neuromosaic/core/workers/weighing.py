"""A loss, the user's own or a role's, tried on outputs and targets. Runs in the judge, on its graph."""

from collections.abc import Iterator
from typing import Final

import torch
import torch.nn.functional as F  # noqa: N812 (its usual name)
from torch import Tensor, nn

from neuromosaic.core.brief import Contract
from neuromosaic.core.graph.examples import draw_inputs, other_values
from neuromosaic.core.protocols import Converse, Job, Message
from neuromosaic.core.role_inputs import Finding
from neuromosaic.core.tasks import outputs_of, targets_of
from neuromosaic.core.validation.own_loss import signature_of_loss
from neuromosaic.core.workers.conversation import first_line, is_out_of_memory

BATCH, STEPS, RATE = 8, 30, 0.1
SIZES: Final = (BATCH, 3)
SURE: Final = 20.0
"""A score of the right class, and its opposite of the others, that float32's softmax makes 1 and all but 0."""
ALIKE: Final = 1e-4
"""Relative: what another order of a sum may change."""


def weigh(module: nn.Module, job: Job, converse: Converse) -> Message:
    """Where it cannot be trained with, as findings: the first fault of each kind."""
    contract = Contract.model_validate(job.arguments["contract"])
    faults = {fault.code: fault for fault in _faults(module.train(), contract)}
    return Message({"findings": [fault.model_dump(mode="json") for fault in faults.values()]})


def _faults(module: nn.Module, contract: Contract) -> Iterator[Finding]:
    if any(parameter.requires_grad for parameter in module.parameters()):
        yield _finding("parameters", "it has parameters of its own, which nobody would train: make them buffers")
        return
    for size in SIZES:
        outputs, targets = draw_inputs(signature_of_loss(contract), size, seed=size)
        if contract.task == "multi_label":
            targets = (targets > 0).float()
        try:
            yield from _of_batch(module, outputs.requires_grad_(), targets, contract)
        except Exception as error:
            if is_out_of_memory(error):
                raise
            yield _finding("raised", f"for {size} examples it raised {first_line(error)}")
            return


def _of_batch(module: nn.Module, outputs: Tensor, targets: Tensor, contract: Contract) -> Iterator[Finding]:
    before = targets.clone()
    loss = module(outputs, targets)
    if not torch.equal(targets, before):
        yield _finding("changes-targets", "it changes the targets in place: work on a copy")
        return
    if not isinstance(loss, Tensor) or loss.ndim != 0 or not loss.is_floating_point():
        said = f"a tensor of shape {list(loss.shape)}" if isinstance(loss, Tensor) else type(loss).__name__
        yield _finding("no-scalar", f"it returns {said}, not one scalar: take the mean over the batch")
        return
    if not loss.isfinite():
        yield _finding("not-finite", f"it gives {float(loss.detach())} for ordinary outputs and targets")
        return
    gradient = _gradient(loss, outputs)
    if gradient is None or not gradient.any():
        yield _finding("no-gradient", "no gradient reaches the outputs: it cuts it, or ignores them")
        return
    if not gradient.isfinite().all():
        yield _finding("not-finite", "its gradient is infinite or NaN for ordinary outputs and targets")
        return
    yield from _of_value(module, outputs, targets, contract)
    yield from _at_the_goal(module, targets, contract)


def _of_value(module: nn.Module, outputs: Tensor, targets: Tensor, contract: Contract) -> Iterator[Finding]:
    """What the value must depend on, and what it must not."""
    loss = module(outputs, targets)
    changed = 1 - targets if contract.task == "multi_label" else other_values(targets, targets_of(contract))
    if torch.equal(loss, module(outputs, changed)):
        yield _finding("no-targets", "it is the same for all targets: it does not look at them")
    if not torch.equal(loss, module(outputs, targets)):
        yield _finding("not-repeatable", "the same batch gives another value each time: it must draw nothing")
    elif not torch.isclose(loss, module(outputs.flip(0), targets.flip(0)), rtol=ALIKE, atol=ALIKE**2):
        yield _finding("depends-on-order", "it depends on the order of a batch, which means nothing")
    if (lowest := _lowest(module, outputs, targets)) >= float(loss.detach()):
        yield _finding("does-not-fall", f"following its gradient does not lower it: {float(loss.detach()):.4g} stays")
    elif lowest != lowest:
        yield _finding("not-finite", "following its gradient leads to NaN")


def _at_the_goal(module: nn.Module, targets: Tensor, contract: Contract) -> Iterator[Finding]:
    """Training comes close to outputs that could not be better: there it must not break."""
    outputs = best_outputs(targets, contract).requires_grad_()
    loss = module(outputs, targets)
    gradient = _gradient(loss, outputs)
    if not loss.isfinite() or (gradient is not None and not gradient.isfinite().all()):
        what = f"it gives {float(loss.detach())}" if not loss.isfinite() else "its gradient is infinite or NaN"
        told = "keep roots, logarithms and quotients away from 0"
        yield _finding("not-finite-at-the-goal", f"{what} where the outputs are perfectly right: {told}")


def best_outputs(targets: Tensor, contract: Contract) -> Tensor:
    """Sure scores of what is right; for values the targets themselves; an embedding of its own for each class."""
    outputs = outputs_of(contract)
    match contract.task:
        case "regression" | "forecasting":
            return targets.clone()
        case "multi_label":
            return SURE * (2 * targets - 1)
        case "metric_learning":
            return F.one_hot(targets % outputs, outputs).float().reshape(-1, *contract.output.shape)
        case task:
            scores = SURE * (2.0 * F.one_hot(targets, outputs) - 1)
            return (scores.movedim(-1, 1) if task == "segmentation" else scores).contiguous()


def _gradient(loss: Tensor, outputs: Tensor) -> Tensor | None:
    return torch.autograd.grad(loss, outputs, allow_unused=True)[0] if loss.requires_grad else None


def _lowest(module: nn.Module, outputs: Tensor, targets: Tensor) -> float:
    """After some steps on the outputs themselves."""
    free = outputs.detach().clone().requires_grad_()
    optimizer = torch.optim.Adam([free], lr=RATE)
    for _ in range(STEPS):
        optimizer.zero_grad()
        module(free, targets).backward()
        optimizer.step()
    return float(module(free, targets).detach())


def _finding(code: str, message: str) -> Finding:
    return Finding(gate="loss", code=code, message=message)
