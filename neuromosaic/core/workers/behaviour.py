"""How a network behaves on examples: what a shape does not tell."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import torch
from torch import Tensor, nn

from neuromosaic.core.errors import CandidateError
from neuromosaic.core.evaluation.optimisation import make_optimizer
from neuromosaic.core.evaluation.turns import PART, turns_of
from neuromosaic.core.protocols import Converse, Job, Message
from neuromosaic.core.role_inputs import Finding
from neuromosaic.core.tasks import LOSS
from neuromosaic.core.workers.conversation import first_line, is_out_of_memory
from neuromosaic.core.workers.inspection import close
from neuromosaic.core.workers.source import layer_of
from neuromosaic.core.workers.subject import Subject, subject_of

TIMED_STEPS, SECONDS = 3, 2.0  # at most
MOST_LAYERS = 5  # that are told of by name
BATCHES_TRIED = 4
"""A routed network need not use all of its experts for one batch."""
LARGE = 1000.0
"""Inputs so many times larger than usual tell a sigmoid, which stays below 1, from scores, which do not."""


def behave(module: nn.Module, job: Job, converse: Converse) -> Message:
    """Faults of the network as findings of the gate "behave", and seconds per training step."""
    subject = subject_of(module, job)
    findings = [finding.model_dump(mode="json") for finding in check(subject)]
    return Message({"findings": findings, "seconds_per_step": seconds_per_step(subject)})


def check(subject: Subject) -> Iterator[Finding]:
    """Every fault that is found."""
    try:
        faults = [fault for name in subject.in_turn() for fault in _training(subject, name)]
    except Exception as error:
        if is_out_of_memory(error):
            raise
        message = f"a training step raised {first_line(error)}"
        code = error.code if isinstance(error, CandidateError) and error.code else "train-raised"
        yield _finding(code, message, layer_of(error, subject.module))
        return
    yield from faults
    yield from _batch_of_one(subject)
    outputs = subject.answers
    if not all(output.isfinite().all() for output in outputs):
        yield _finding("non-finite-output", "eval-mode outputs on examples are infinite or NaN")
        return
    if not _equal(outputs, subject.scores(subject.inputs)):
        yield _finding("non-deterministic", "two eval-mode passes over the same examples with the same seed differ")
        return  # nothing can be learnt from comparing it with itself
    samples = not _close(outputs, subject.scores(subject.inputs, seed=1))
    if samples:
        message = "eval-mode outputs change with the random seed: unless it samples on purpose, look for dropout"
        yield _finding("random-in-eval", message, None, "warning")
    yield from _batch_leak(subject, samples)
    yield from _squashed(subject, outputs)
    if subject.signature.task == "language_modelling":
        yield from _causality(subject)


def seconds_per_step(subject: Subject) -> float:
    """Median time of a whole training step of this batch, after one to warm up. Changes the weights.

    Of a pair, of both turns. 0.0 where a step cannot be taken.
    """
    try:
        optimizer = make_optimizer(subject.module, subject.inputs[0], subject.recipe)
        times = [_seconds(subject, optimizer)]
        while len(times) <= TIMED_STEPS and sum(times) < SECONDS:
            times.append(_seconds(subject, optimizer))
    except (RuntimeError, ValueError, TypeError, CandidateError):  # a fault of the network, which has its own finding
        return 0.0
    return len(turns_of(subject.module, subject.signature.generative)) * median(times[1:] or times)


def _seconds(subject: Subject, optimizer: torch.optim.Optimizer) -> float:
    began = time.perf_counter()
    loss = subject.loss()[1]
    if loss.requires_grad:
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    float(loss.detach())  # waits for an accelerator
    return time.perf_counter() - began


# ---------------------------------------------------------------- the checks


def _training(subject: Subject, name: str) -> Iterator[Finding]:
    """Faults of the loss of that name, and of the parameters that follow it."""
    outputs, loss = subject.loss()
    if not all(output.isfinite().all() for output in outputs):
        yield _finding("non-finite-output", "train-mode outputs on examples are infinite or NaN")
        return
    if not loss.isfinite():
        yield _finding("non-finite-loss", f"`{name}` is {float(loss.detach())} on examples")
        return
    trained = [(name, p) for name, p in subject.module.named_parameters() if p.requires_grad]
    if not trained:
        return
    if not loss.requires_grad:
        who = "parameter" if name == LOSS else f"parameter of the {PART}"
        message = f"the {name.replace('_', ' ')} depends on no {who}: forward cuts the gradient (detach, argmax?)"
        yield _finding("no-gradient", message, None, subject.signature.severity)
        return
    subject.module.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    for layer in _without_gradient(subject, trained)[:MOST_LAYERS]:
        message = f"{layer} gets no gradient{_of_turn(name)}: use it in forward or remove it"
        yield _finding("no-gradient", message, layer, subject.signature.severity)
    infinite = [layer for layer, p in trained if p.grad is not None and not p.grad.isfinite().all()]
    for layer in infinite[:MOST_LAYERS]:
        yield _finding("non-finite-gradient", f"the gradient of {layer} is infinite or NaN", layer)
    subject.module.zero_grad()


def _of_turn(name: str) -> str:
    return "" if name == LOSS else f" from `{name}`"


def _without_gradient(subject: Subject, trained: list[tuple[str, nn.Parameter]]) -> list[str]:
    """Names of parameters that no batch gives a gradient, in their order."""
    for number in range(1, BATCHES_TRIED):
        if all(parameter.grad is not None for _, parameter in trained):
            break
        _, loss = subject.loss(number)
        loss.backward()  # type: ignore[no-untyped-call]
    return [name for name, parameter in trained if parameter.grad is None]


def _batch_of_one(subject: Subject) -> Iterator[Finding]:
    axis = next(iter(subject.signature.batch_axes), None)
    if axis is None or not subject.cut:
        return
    said = "cannot train on a batch of one ({}): such a batch is left out"
    with _buffers_kept(subject.module):
        try:
            with torch.no_grad():
                subject.module.train()(*subject.first_alone(axis))
        except Exception as error:
            if is_out_of_memory(error):
                raise
            layer = layer_of(error, subject.module)
            yield _finding("batch-of-one", said.format(first_line(error)), layer, "warning")
            return
        for name, buffer in subject.module.named_buffers():
            if not buffer.isfinite().all():  # a graph has no layer that would refuse
                yield _finding("batch-of-one", said.format(f"{name} becomes NaN"), name, "warning")
                return


@contextmanager
def _buffers_kept(module: nn.Module) -> Iterator[None]:
    """Whatever is done to running statistics is undone."""
    before = {name: buffer.clone() for name, buffer in module.named_buffers()}
    try:
        yield
    finally:
        with torch.no_grad():
            for name, buffer in module.named_buffers():
                if name in before and before[name].shape == buffer.shape:
                    buffer.copy_(before[name])


def _batch_leak(subject: Subject, samples: bool) -> Iterator[Finding]:
    """An axis along which nothing leaks is the batch; without one, a network that promised a batch leaks."""
    axes = subject.axes
    if not axes or any(not _leaks(subject, axis, samples) for axis in axes):
        return
    message = "the eval-mode output of an example changes with the other examples of its batch"
    yield _finding(
        "batch-leak", f"{message}: mix values along the batch axis in no layer", None, subject.signature.severity
    )


def _leaks(subject: Subject, axis: int, samples: bool) -> bool:
    """Whether the first or the last example's outputs change when all others do, or are not there at all.

    A network that samples draws other numbers for another batch: that is no leak.
    """
    size, before = subject.size(axis), subject.answers
    may_be_alone = subject.cut and not samples and axis == subject.signature.batch_axes[0]
    if may_be_alone and _differs_alone(subject, axis):
        return True
    for kept in (0, size - 1):
        after = subject.scores(subject.others_changed(axis, kept))
        for one, other in zip(before, after, strict=True):
            if subject.runs_along(one, axis) and not close(one.select(axis, kept), other.select(axis, kept)):
                return True
    return False


def _differs_alone(subject: Subject, axis: int) -> bool:
    alone = subject.scores(subject.first_alone(axis))
    among = [
        (one, other) for one, other in zip(alone, subject.answers, strict=True) if subject.runs_along(other, axis)
    ]
    return any(
        one.ndim == other.ndim and not close(one.select(axis, 0), other.select(axis, 0)) for one, other in among
    )


def _squashed(subject: Subject, outputs: list[Tensor]) -> Iterator[Finding]:
    """Scores that went through the very function that the loss applies to them."""
    scores = outputs[0]
    if subject.signature.loss not in ("cross_entropy", "binary_cross_entropy") or not _are_shares(scores):
        return
    sums = scores.sum(1 if subject.signature.task == "segmentation" else -1)
    if subject.signature.loss == "cross_entropy" and torch.allclose(sums, torch.ones_like(sums), atol=1e-4):
        message = "outputs are probabilities already, and cross-entropy takes a softmax of its own: return raw scores"
        yield _finding("double-softmax", message)
    elif _are_shares(subject.scores(subject.enlarged(LARGE))[0], closed=True):
        message = (
            "outputs have gone through a sigmoid, and the loss applies its own function to raw scores: return these"
        )
        yield _finding("sigmoid-before-loss", message)


def _are_shares(scores: Tensor, closed: bool = False) -> bool:
    """All between 0 and 1; the ends are those of a rectifier, or of a sigmoid of very large scores."""
    if not scores.is_floating_point() or scores.numel() < 2:
        return False
    if closed:
        return bool(((scores >= 0) & (scores <= 1)).all())
    return bool(((scores > 0) & (scores < 1)).all())


def _causality(subject: Subject) -> Iterator[Finding]:
    before, steps = subject.answers[0], subject.inputs[0].shape[1]
    for step in sorted({1, steps // 2, steps - 1} - {0}):
        after = subject.scores(subject.changed_from(step))[0]
        if not close(before[:, :step], after[:, :step]):
            message = (
                f"changing tokens from position {step} on changes outputs before it: mask attention, pad on the left"
            )
            yield _finding("not-causal", message)
            return


def _equal(one: list[Tensor], other: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def _close(one: list[Tensor], other: list[Tensor]) -> bool:
    return all(close(a, b) for a, b in zip(one, other, strict=True))


def _finding(code: str, message: str, layer: str | None = None, severity: str = "error") -> Finding:
    return Finding.model_validate(
        {"gate": "behave", "code": code, "message": message, "layer": layer, "severity": severity}
    )
