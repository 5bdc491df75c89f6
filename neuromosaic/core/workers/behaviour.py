"""How a network behaves on training examples: what a shape does not tell."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

import torch
from torch import Tensor, nn

from neuromosaic.core.brief import Contract
from neuromosaic.core.evaluation.losses import loss_function
from neuromosaic.core.evaluation.optimisation import make_optimizer
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.graph.tensors import to_torch
from neuromosaic.core.proposals import Finding
from neuromosaic.core.protocols import Converse, Job, Message
from neuromosaic.core.workers.conversation import first_line, is_out_of_memory
from neuromosaic.core.workers.source import layer_of

SEED = 0
TOLERANCE = 1e-3  # of the outputs' scale: kernels differ by far less between batches, a leak by far more
TIMED_STEPS = 3
MOST_LAYERS = 5  # that are told of by name
DEFAULT_BATCH = 32


@dataclass(frozen=True)
class Subject:
    """A network on its device, with training examples `x` [n, ...] and `y`, and the loss that it is trained with."""

    module: nn.Module
    contract: Contract
    recipe: Recipe
    x: Tensor
    y: Tensor

    def scores(self, x: Tensor, seed: int = SEED) -> Tensor:
        """Outputs in eval mode, without gradients."""
        torch.manual_seed(seed)
        self.module.eval()
        with torch.no_grad():
            outputs: Tensor = self.module(x)
        return outputs

    def loss(self) -> tuple[Tensor, Tensor]:
        """Outputs in train mode, and the loss."""
        torch.manual_seed(SEED)
        outputs = self.module.train()(self.x)
        return outputs, loss_function(self.recipe, self.x.device)(outputs, self.y)


def behave(module: nn.Module, job: Job, converse: Converse) -> Message:
    """Faults of the network as findings of the gate "behave", and seconds per training step."""
    subject = _subject(module, job)
    findings = [finding.model_dump(mode="json") for finding in check(subject)]
    return Message({"findings": findings, "seconds_per_step": seconds_per_step(subject)})


def check(subject: Subject) -> Iterator[Finding]:
    """Every fault that is found."""
    yield from _gradients(subject)
    yield from _batch_of_one(subject)
    outputs = subject.scores(subject.x)
    if not outputs.isfinite().all():
        yield _finding("non-finite-output", "eval-mode outputs on training examples are infinite or NaN")
        return
    yield from _randomness(subject, outputs)
    yield from _batch_leak(subject)
    if subject.recipe.loss == "cross_entropy":
        yield from _double_softmax(outputs)
    if subject.contract.task == "language_modelling":
        yield from _causality(subject)


def seconds_per_step(subject: Subject) -> float:
    """Median time of a whole training step of this batch, after one to warm up. Changes the weights."""
    optimizer = make_optimizer(subject.module, subject.x[:2], subject.recipe)
    times = []
    for _ in range(1 + TIMED_STEPS):
        began = time.perf_counter()
        optimizer.zero_grad()
        _, loss = subject.loss()
        if loss.requires_grad:
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        float(loss.detach())  # waits for an accelerator
        times.append(time.perf_counter() - began)
    return median(times[1:])


# ---------------------------------------------------------------- the checks


def _gradients(subject: Subject) -> Iterator[Finding]:
    outputs, loss = subject.loss()
    if not outputs.isfinite().all():
        yield _finding("non-finite-output", "train-mode outputs on training examples are infinite or NaN")
        return
    if not loss.requires_grad:
        yield _finding("no-gradient", "the loss depends on no parameter: forward cuts the gradient (detach, argmax?)")
        return
    subject.module.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    trained = [(name, p) for name, p in subject.module.named_parameters() if p.requires_grad]
    for name in _some([name for name, parameter in trained if parameter.grad is None]):
        yield _finding("no-gradient", f"{name} gets no gradient: use it in forward or remove it", name)
    for name in _some([name for name, p in trained if p.grad is not None and not p.grad.isfinite().all()]):
        yield _finding("non-finite-gradient", f"the gradient of {name} is infinite or NaN", name)
    subject.module.zero_grad()


def _batch_of_one(subject: Subject) -> Iterator[Finding]:
    try:
        with torch.no_grad():
            subject.module.train()(subject.x[:1])
    except Exception as error:
        if is_out_of_memory(error):
            raise
        message = f"cannot train on a batch of one ({first_line(error)}): such a batch is left out"
        yield _finding("batch-of-one", message, layer_of(error, subject.module), "warning")


def _randomness(subject: Subject, outputs: Tensor) -> Iterator[Finding]:
    if not torch.equal(outputs, subject.scores(subject.x)):
        yield _finding("non-deterministic", "two eval-mode passes over the same examples with the same seed differ")
    elif not _close(outputs, subject.scores(subject.x, seed=SEED + 1)):
        message = "eval-mode outputs change with the random seed: switch dropout and noise off unless self.training"
        yield _finding("non-deterministic", message)


def _batch_leak(subject: Subject) -> Iterator[Finding]:
    if len(subject.x) < 2:
        return
    among = subject.scores(torch.cat([subject.x[:1], _changed(subject.x[1:], subject.contract)]))[:1]
    if not _close(subject.scores(subject.x)[:1], among):
        message = "the eval-mode output of an example changes with the other examples of its batch"
        yield _finding("batch-leak", f"{message}: mix values along the batch axis in no layer")


def _double_softmax(outputs: Tensor) -> Iterator[Finding]:
    sums = outputs.sum(-1)
    if (outputs >= 0).all() and torch.allclose(sums, torch.ones_like(sums), atol=1e-4):
        message = "outputs are probabilities already, and cross-entropy takes a softmax of its own: return raw scores"
        yield _finding("double-softmax", message)


def _causality(subject: Subject) -> Iterator[Finding]:
    time_steps = subject.x.shape[1]
    before = subject.scores(subject.x)
    for step in sorted({time_steps // 2, time_steps - 1} - {0}):
        changed = subject.x.clone()
        changed[:, step] = _changed(changed[:, step], subject.contract)
        if not _close(before[:, :step], subject.scores(changed)[:, :step]):
            message = (
                f"changing the token at position {step} changes outputs before it: mask attention, pad on the left"
            )
            yield _finding("not-causal", message)
            return


# ---------------------------------------------------------------- what they share


def _subject(module: nn.Module, job: Job) -> Subject:
    arguments, device = job.arguments, job.arguments.get("device", "cpu")
    batch = arguments.get("batch", DEFAULT_BATCH)
    x, y = (to_torch(job.tensors[name])[:batch].to(device) for name in ("x", "y"))
    recipe = Recipe(loss=arguments["loss"], batch_size=batch)
    return Subject(module.to(device), Contract.model_validate(arguments["contract"]), recipe, x, y)


def _changed(x: Tensor, contract: Contract) -> Tensor:
    """Other values of the same kind, every one of them different."""
    if contract.input.dtype == "int64":
        return (x + 1) % (contract.input.upper or contract.output.shape[-1])
    return 1.5 * x + torch.linspace(-1, 1, x.numel(), device=x.device).reshape(x.shape) + 0.5


def _close(one: Tensor, other: Tensor) -> bool:
    scale = max(float(one.abs().max()), 1e-6)
    return bool((one - other).abs().max() <= TOLERANCE * scale)


def _some(names: list[str]) -> list[str]:
    return names[:MOST_LAYERS]


def _finding(code: str, message: str, layer: str | None = None, severity: str = "error") -> Finding:
    return Finding.model_validate(
        {"gate": "behave", "code": code, "message": message, "layer": layer, "severity": severity}
    )
