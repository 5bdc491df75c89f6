"""Some training steps of one network in each precision: their time and their losses. Runs in a worker."""

import itertools
import math
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn

from neuromosaic.core.brief import Contract
from neuromosaic.core.evaluation.layout import EXAMPLES, arrangement, as_it_is
from neuromosaic.core.evaluation.loop import Loop
from neuromosaic.core.evaluation.measuring import waiter
from neuromosaic.core.evaluation.recipe import Precision, Recipe
from neuromosaic.core.evaluation.streaming import on_device
from neuromosaic.core.evaluation.suitable import check_recipe
from neuromosaic.core.evaluation.turns import turns_of

PRECISIONS: Final[tuple[Precision, ...]] = ("float32", "bf16", "fp16")
ROUNDS: Final = 9
ROUND_SECONDS: Final = 0.1
"""That a round's steps of each precision take at least, as far as `MOST_STEPS` do."""
MOST_STEPS: Final = 20
FIRST_STEPS: Final = 24
"""Whose losses are compared."""
HOPELESS: Final = 2.0
"""Times as long as float32: no more steps are spent on it."""


class Tried(NamedTuple):
    """`seconds` of a step, by round; `losses` of the first steps. Both end early where they say enough."""

    seconds: list[float]
    losses: list[float]


def try_precisions(
    module: nn.Module, x: Tensor, y: Tensor, recipe: Recipe, *, seed: int, device: str, contract: Contract
) -> dict[Precision, Tried]:
    """Trains `module` in each precision for some steps from the same weights, by the loop of every training.

    `x` [n, *contract.input.shape], `y` as for `training.train`: some batches of the training examples. Rounds of all
    precisions take turns, so that a busy spell hits all; on a CPU processor time counts, which load changes least.
    The module's weights and buffers are put back. Raises UsageError where the recipe does not fit the contract.
    """
    check_recipe(recipe, contract)
    module.to(device)
    start = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    arrange = arrangement(module, x[:EXAMPLES].to(device))
    held, targets = on_device(x, device, arrange), on_device(y, device, as_it_is)

    def loop_in(precision: Precision) -> Loop:
        module.load_state_dict(start)
        torch.manual_seed(seed)  # dropout
        steps = FIRST_STEPS + (ROUNDS + 2) * MOST_STEPS
        chosen = recipe.model_copy(update={"precision": precision})
        return Loop(module, held, targets, chosen, seed, steps, arrange, turns_of(module, contract.generative))

    seconds = _timed({precision: _Timer(loop_in(precision)) for precision in PRECISIONS})
    tried = {precision: Tried(took, []) for precision, took in seconds.items()}
    for precision, one in tried.items():
        if len(one.seconds) == ROUNDS:
            one.losses.extend(_losses(loop_in(precision)))
    module.load_state_dict(start)
    return tried


def _timed(timers: "dict[Precision, _Timer]") -> dict[Precision, list[float]]:
    """Seconds of a step by round; of what is hopeless, those until that was seen."""
    first = {precision: [min(timer.round(1), timer.round(1))] for precision, timer in timers.items()}
    limit = HOPELESS * first["float32"][0]
    left = [precision for precision, (took,) in first.items() if took <= limit]
    steps = min(MOST_STEPS, max(1, math.ceil(ROUND_SECONDS / max(first["float32"][0], 1e-6))))
    rounds = [{precision: timers[precision].round(steps) for precision in left} for _ in range(ROUNDS)]
    return first | {precision: [one[precision] for one in rounds] for precision in left}


class _Timer:
    """Steps of one loop on one batch; the first step, which prepares kernels, is not counted."""

    def __init__(self, loop: Loop) -> None:
        rows = slice(0, loop.recipe.batch_size)
        self.loop, self.x, self.y = loop, loop.x[rows], loop.y[rows]
        self.wait, self.clock = waiter(loop.x.device), _clock(loop.x.device)
        loop.module.train()
        loop.step(self.x, self.y, None)

    def round(self, steps: int) -> float:
        """Seconds of a step, the mean of so many."""
        self.wait()
        began = self.clock()
        for _ in range(steps):
            self.loop.step(self.x, self.y, None)
        self.wait()
        return (self.clock() - began) / steps


def _losses(loop: Loop) -> list[float]:
    """Of the first steps, up to one that is not finite."""
    batches: Any = itertools.chain.from_iterable(loop.epochs())
    losses: list[float] = []
    for batch in itertools.islice(batches, FIRST_STEPS):
        if (loss := loop.run([batch])) is None:
            break
        losses.append(loss)
    return losses


def _clock(device: torch.device) -> Callable[[], float]:
    return time.process_time if device.type == "cpu" else time.perf_counter
