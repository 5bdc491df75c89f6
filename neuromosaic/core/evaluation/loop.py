"""One training: its steps, in the order in which they come."""

import random
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from neuromosaic.core.evaluation.augmentation import augmentation, mixup
from neuromosaic.core.evaluation.averaging import Average
from neuromosaic.core.evaluation.distillation import SHARE, distance
from neuromosaic.core.evaluation.half import DTYPES, Scaling
from neuromosaic.core.evaluation.layout import Arrange
from neuromosaic.core.evaluation.losses import Objective, answer, objective
from neuromosaic.core.evaluation.optimisation import BETAS, BETAS_OF_PAIRS, make_optimizer, rate_factor
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.streaming import Examples, Streamed
from neuromosaic.core.evaluation.turns import Turn
from neuromosaic.core.tasks import LOSS

CHECK_EVERY = 64  # steps between two looks at the loss: each look makes an accelerator wait


class Loop:
    """One training: what stays the same from step to step, and the number of steps done."""

    def __init__(
        self, module: nn.Module, x: Examples, y: Examples, recipe: Recipe, seed: int, steps: int, arrange: Arrange,
        turns: Sequence[Turn] = (Turn(LOSS),),
    ) -> None:  # fmt: skip
        self.module, self.x, self.y, self.recipe, self.arrange = module, x, y, recipe, arrange
        self.network = module  # what is called in training
        self.steps, self.done = steps, 0
        self.per_epoch = steps_per_epoch(len(x), recipe.batch_size)
        self.of = -(-steps // self.per_epoch)
        self.parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
        betas = BETAS_OF_PAIRS if len(turns) > 1 else BETAS
        self.optimizer = make_optimizer(module, x[:2], recipe, betas)
        self.turns = turns
        self.losses = {turn.loss: objective(recipe, x.device, turn.loss) for turn in turns}
        self.loss = self.losses[turns[-1].loss]
        self.terms: dict[str, float] = {}
        self.augment = augmentation(recipe.augment, x) if recipe.augment else None
        self.streams = [held for held in (x, y) if isinstance(held, Streamed)]
        self.shuffling = shuffling(seed)
        self.changing = _generator(seed, "augment", x.device)
        self.mixing = random.Random(f"{seed}/mixup") if "mixup" in recipe.augment else None
        self.teacher: Examples | None = None
        self.distance = distance(recipe)
        self.average = Average(module, recipe.averaging) if recipe.averaging else None
        self.autocast = partial(torch.autocast, x.device.type, DTYPES.get(recipe.precision))
        self.scaling = Scaling(self.optimizer, x.device) if recipe.precision == "fp16" else None

    def epochs(self) -> Iterator[list[Tensor]]:
        """The rows of each step, an epoch at a time; the last epoch may be cut short."""
        for first in range(self.done, self.steps, self.per_epoch):
            order = torch.randperm(len(self.x), generator=self.shuffling)
            order = order if self.streams else order.to(self.x.device)
            batches = torch.split(order, self.recipe.batch_size)
            yield list(batches[: min(self.per_epoch, self.steps - first)])

    def run(self, batches: list[Tensor]) -> float | None:
        """The mean loss over these steps; None as soon as it is seen not to be finite."""
        self.module.train()
        total, terms = torch.zeros((), device=self.x.device), dict[str, Tensor]()
        for number, batch in enumerate(batches, start=1):
            rows = self.share(batch)
            x, y = self.x[rows], self.y[rows]
            for stream in self.streams if number < len(batches) else ():
                stream.expect(batches[number])
            made = self.step(x, y, None if self.teacher is None else self.teacher[rows])
            total += made.loss.detach()
            terms |= {name: terms.get(name, 0.0) + term.detach() for name, term in made.terms.items()}
            if (number % CHECK_EVERY == 0 or number == len(batches)) and not self.is_finite(total):
                return None
        self.terms = {name: float(term) / len(batches) for name, term in terms.items()}
        return float(total) / len(batches)

    def step(self, x: Tensor, y: Tensor, soft: Tensor | None) -> Objective:
        factor = rate_factor(self.done, self.steps, self.recipe.warmup, self.recipe.schedule)
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.learning_rate * factor
        made = [self._move(turn, x, y, soft) for turn in self.turns]
        if self.average is not None:
            self.average.update()
        self.done += 1
        finite = sum((0 * other.loss for other in made[:-1]), made[-1].loss)  # NaN where any is not
        return Objective(finite, made[-1].terms)

    def _move(self, turn: Turn, x: Tensor, y: Tensor, soft: Tensor | None) -> Objective:
        """One step of whoever has the turn. Parameters without a gradient keep their place, and their moments."""
        self.loss = self.losses[turn.loss]
        self.optimizer.zero_grad()
        with turn.taken():
            made = self._backward(x, y, soft)
        self._update()
        return made

    def _update(self) -> None:
        """Changes the weights by the gradients that were added up."""
        if self.scaling is not None:
            self.scaling.down()
        if self.recipe.gradient_clip is not None:
            nn.utils.clip_grad_norm_(self.parameters, self.recipe.gradient_clip, foreach=True)
        (self.optimizer if self.scaling is None else self.scaling).step()

    def _backward(self, x: Tensor, y: Tensor, soft: Tensor | None) -> Objective:
        """Adds up the gradients of the batch, part by part; the mean objective."""
        parts = min(self.recipe.accumulate, max(1, len(x) // 2))  # norms need two examples
        if parts == 1:
            return self._backward_of(x, y, soft, 1.0)
        total, terms = torch.zeros((), device=x.device), dict[str, Tensor]()
        softs = [None] * parts if soft is None else torch.tensor_split(soft, parts)
        for part in zip(torch.tensor_split(x, parts), torch.tensor_split(y, parts), softs, strict=True):
            share = len(part[0]) / len(x)
            made = self._backward_of(*part, share)
            total += made.loss * share
            terms |= {name: terms.get(name, 0.0) + term.detach() * share for name, term in made.terms.items()}
        return Objective(total, terms)

    def _backward_of(self, x: Tensor, y: Tensor, soft: Tensor | None, share: float) -> Objective:
        """Adds the gradients of one part, which is that share of its batch."""
        made = self.batch_loss(x, y, soft)
        loss = made.loss if share == 1 else made.loss * share
        self.propagate(loss if self.scaling is None else self.scaling.up(loss))
        return Objective(made.loss.detach(), made.terms)

    def share(self, rows: Tensor) -> Tensor:
        """Those rows of a batch that this process trains on."""
        return rows

    def propagate(self, loss: Tensor) -> None:
        """Adds to the gradients."""
        loss.backward()  # type: ignore[no-untyped-call]

    def is_finite(self, total: Tensor) -> bool:
        """Whether training can go on."""
        return bool(total.isfinite()) and not (self.scaling is not None and self.scaling.is_lost)

    def averaged(self) -> AbstractContextManager[None]:
        """Inside, the module has the weights that are scored and kept."""
        return nullcontext() if self.average is None else self.average.in_place()

    def batch_loss(self, x: Tensor, y: Tensor, soft: Tensor | None) -> Objective:
        if self.augment is not None:
            x = self.arrange(self.augment(x, self.changing))
        if self.mixing is None:
            returned = self._returned(x)
            own = self.loss(returned, y)
            return own if soft is None else _also(own, self.distance(answer(returned), soft))
        mixed = mixup(x, self.mixing, self.changing)
        returned = self._returned(mixed.x)
        own = Objective(mixed.loss(lambda one, other: self.loss(one, other).loss, returned, y), {})
        return own if soft is None else _also(own, mixed.loss(self.distance, answer(returned), soft))

    def _returned(self, x: Tensor) -> Any:
        """What forward returns, in float32."""
        if self.recipe.precision == "float32":
            return self.network(x)
        with self.autocast():
            returned = self.network(x)
        return tree_map(lambda one: one.float() if isinstance(one, Tensor) else one, returned)


def _also(own: Objective, distance: Tensor) -> Objective:
    return Objective(torch.lerp(own.loss, distance, SHARE), own.terms)


def steps_per_epoch(examples: int, batch: int) -> int:
    """A last batch of one example is left out: batch norm cannot train on it."""
    whole, rest = divmod(examples, batch)
    return max(1, whole + (rest > 1))


def steps_in(examples: int, recipe: Recipe, fidelity: float) -> int:
    """Of the whole training: at least one."""
    return max(1, round(fidelity * recipe.epochs * steps_per_epoch(examples, recipe.batch_size)))


def shuffling(seed: int) -> torch.Generator:
    """Draws the order of the rows, epoch by epoch."""
    return _generator(seed, "shuffle", torch.device("cpu"))


def _generator(seed: int, purpose: str, device: torch.device) -> torch.Generator:
    return torch.Generator(device).manual_seed(random.Random(f"{seed}/{purpose}").getrandbits(63))
