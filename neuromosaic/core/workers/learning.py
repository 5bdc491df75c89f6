"""Whether a network can learn at all: it is shown one small batch again and again. Runs in a worker."""

import time
from typing import Final

import torch
from torch import Tensor, nn

from neuromosaic.core.evaluation.optimisation import make_optimizer
from neuromosaic.core.protocols import Converse, Job, Message
from neuromosaic.core.role_inputs import Finding
from neuromosaic.core.workers.subject import Subject, subject_of

STEPS, SECONDS = 40, 4.0  # at most
RATES: Final = (3e-3, 1e-4)
"""The second for what the first throws off."""
ENOUGH: Final = 0.98
"""Of the first loss: what a network that learns is below by then, by far."""


def learn(module: nn.Module, job: Job, converse: Converse) -> Message:
    """The loss of one batch before and after some steps on it; a finding where none lowered it.

    Of a pair each side's own, while the other holds still. Figures: "loss_before", "loss_after", and "gradient_norm"
    (of all parameters that follow this loss, before the first step), the simplest of the zero-cost proxies
    (Abdelfattah et al., 2021, arXiv:2101.08134, section 3.2); of a pair those of the generator.
    """
    subject = subject_of(module, job)
    start = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    figures: dict[str, float] = {}
    findings = []
    for name in subject.in_turn():
        before, after, norm = _tried(subject, start)
        if norm is not None and not _has_learnt(before, after):
            findings.append(_fault(name, before, after).model_dump(mode="json"))
        figures = {"loss_before": before, "loss_after": after, "gradient_norm": norm or 0.0}
    return Message({"figures": {name: value for name, value in figures.items() if abs(value) < float("inf")},
                    "findings": findings})  # fmt: skip


def _tried(subject: Subject, start: dict[str, Tensor]) -> tuple[float, float, float | None]:
    """The loss before, the lowest after, and the norm of the gradient, None where there is nothing to learn."""
    subject.module.load_state_dict(start)
    before, norm = _loss_and_norm(subject)
    after = before
    for rate in RATES if norm is not None else ():
        subject.module.load_state_dict(start)
        after = min(after, _trained(subject, rate))
        if _has_learnt(before, after):
            break
    return before, after, norm


def _loss_and_norm(subject: Subject) -> tuple[float, float | None]:
    """The norm is None where there is nothing to learn."""
    subject.module.zero_grad()
    _, loss = subject.loss()
    if not loss.requires_grad:
        return float(loss), None
    loss.backward()  # type: ignore[no-untyped-call]
    gradients = [p.grad.norm() for p in subject.module.parameters() if p.grad is not None]
    return float(loss.detach()), float(torch.stack(gradients).norm()) if gradients else None


def _trained(subject: Subject, rate: float) -> float:
    """The lowest loss on the way."""
    recipe = subject.recipe.model_copy(update={"learning_rate": rate})
    optimizer = make_optimizer(subject.module, subject.inputs[0], recipe)
    best, end = float("inf"), time.perf_counter() + SECONDS
    for _ in range(STEPS):
        optimizer.zero_grad()
        _, loss = subject.loss()
        best = min(best, float(loss.detach()))
        if not loss.requires_grad or time.perf_counter() > end:
            break
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return best


def _has_learnt(before: float, after: float) -> bool:
    """A loss may be below zero where it is a weighting of outputs."""
    return after <= before - (1 - ENOUGH) * abs(before)


def _fault(name: str, before: float, after: float) -> Finding:
    loss = f"the {name.replace('_', ' ')} of one small batch does not fall"
    message = f"{loss}: {before:.4g} before, at best {after:.4g} after {STEPS} steps"
    return Finding(gate="learn", code="does-not-learn", message=message)
