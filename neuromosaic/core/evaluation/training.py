"""The training loop: runs in a worker, on tensors, and knows no file, no network and no validation label."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from neuromosaic.core.brief import Contract, Generative
from neuromosaic.core.evaluation.generating import answers
from neuromosaic.core.evaluation.layout import EXAMPLES, arrangement, as_it_is
from neuromosaic.core.evaluation.loop import Loop, steps_in
from neuromosaic.core.evaluation.losses import answer
from neuromosaic.core.evaluation.pausing import State, put_away, take_up
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.streaming import Examples, on_device, some_of
from neuromosaic.core.evaluation.suitable import check_recipe
from neuromosaic.core.evaluation.turns import turns_of
from neuromosaic.core.graph.document import FileData
from neuromosaic.core.graph.segments import forget_activations

Cause = Literal["finished", "stopped", "paused", "diverged"]

EVALUATION_BATCH = 256


class Report(Protocol):
    """Told at the end of each epoch, answers (stop, keep).

    `epoch` counts from 1 up to `of`; the last may be a part of one. `train_loss` is the mean over the epoch's
    steps, `seconds` the time since training began; `outputs` are the module's on `validation_x` in eval mode,
    float32 on the CPU. `terms`: means over the epoch of the scalars that the module declares. `keep`: these weights
    are the best so far. `stop`: train no further.
    """

    def __call__(
        self, epoch: int, of: int, train_loss: float, seconds: float, outputs: Tensor, terms: dict[str, float]
    ) -> tuple[bool, bool]: ...


@dataclass(frozen=True)
class Trained:
    """`epochs` reported. `weights` by state_dict name, on the CPU: those kept last, else those after the last step.

    `cause` "diverged": the loss was not finite; then `weights` is None where none had been kept. "paused": `state`
    is what `train` takes to go on.
    """

    cause: Cause
    epochs: int
    weights: dict[str, Tensor] | None
    state: State | None = None


def train(
    module: nn.Module,
    x: Tensor | FileData,
    y: Tensor | FileData,
    recipe: Recipe,
    *,
    fidelity: float,
    seed: int,
    device: str,
    validation_x: Tensor | FileData,
    contract: Contract,
    report: Report,
    pause_at: int | None = None,
    state: State | None = None,
    teacher: Tensor | FileData | None = None,
    noise: Tensor | None = None,
    sparing: bool = False,
    loop_of: "Callable[..., Loop] | None" = None,
) -> Trained:
    """Trains `module` in place for `fidelity * recipe.epochs` passes over the data, at least one step.

    After epoch `pause_at` it pauses; with the `state` that it then hands back, and all else the same, it goes on, bit
    for bit as if it had not paused. `teacher`: another network's outputs for `x`, which are learnt as well as `y`.
    `noise`: what a generative network is judged by, as `noise_for` draws it for `validation_x`. `sparing` of
    memory: activations are computed again for the backward pass, and no pass sees more than a part of a batch.
    `loop_of`: makes another loop than `Loop`.

    `x` [n, *contract.input.shape]; `y` int64 [n] (classification), float32 [n, targets] (regression, and 0 or 1 per
    label for multi_label), classes int64 at each position [n, ...] or int64
    [n, time] (language modelling: the next tokens). Those in files are read batch by batch where the device has no
    room for all, to the same result. At one thread the same seed gives the same weights, bit for bit.
    Raises UsageError where the recipe does not fit the contract.
    """
    check_recipe(recipe, contract)
    module.to(device)
    arrange = arrangement(module, some_of(x, EXAMPLES, device))
    held, validation = on_device(x, device, arrange), on_device(validation_x, device, arrange)
    noise = None if noise is None else noise.to(device)
    batch = EVALUATION_BATCH
    if sparing:
        forget_activations(module)
        batch = min(batch, max(1, recipe.batch_size // recipe.accumulate))
    torch.manual_seed(seed)  # dropout
    targets = on_device(y, device, as_it_is)
    length = steps_in(len(held), recipe, fidelity)
    turns = turns_of(module, contract.generative)
    loop = (loop_of or Loop)(module, held, targets, recipe, seed, length, arrange, turns)
    loop.teacher = None if teacher is None else on_device(teacher, device, as_it_is)
    kept, before = take_up(loop, state) if state else (None, 0.0)
    now = kept
    began = time.perf_counter() - before
    for epoch, steps in enumerate(loop.epochs(), start=1 + loop.done // loop.per_epoch):
        train_loss = loop.run(steps)
        if train_loss is None:
            return Trained("diverged", epoch - 1, kept)
        with loop.averaged():
            outputs = predict(module, validation, batch, noise, contract.generative)
            stop, keep = report(epoch, loop.of, train_loss, time.perf_counter() - began, outputs, loop.terms)
            ends = stop or epoch in (pause_at, loop.of)
            now = _weights(module) if keep or ends else None
        kept = now if keep else kept
        if stop and epoch < loop.of:
            return Trained("stopped", epoch, kept or now)
        if epoch == pause_at and epoch < loop.of:
            away = put_away(loop, kept, time.perf_counter() - began)
            return Trained("paused", epoch, kept or now, away)
    return Trained("finished", loop.of, kept or now)


def predict(
    module: nn.Module, x: Examples, batch: int = EVALUATION_BATCH, noise: Tensor | None = None,
    generative: Generative | None = None,
) -> Tensor:  # fmt: skip
    """The module's outputs on `x` [n, ...] in eval mode, float32 on the CPU; the module's mode is left as it was.

    With `noise` those of a generative network of the kind `generative`, [n, parts, ...]: see `generating.answers`.
    """
    training = module.training
    module.eval()
    slices = [slice(start, start + batch) for start in range(0, max(1, len(x)), batch)]
    with torch.no_grad():
        if noise is None or generative is None:
            outputs = torch.cat([answer(module(x[rows])) for rows in slices])
        else:
            outputs = answers(module, generative, x, noise, batch)
    module.train(training)
    return outputs.float().cpu()


def _weights(module: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.detach().to("cpu", copy=True) for name, tensor in module.state_dict().items()}
