"""Many trainings of one structure side by side: their weights are stacked, and each step is one pass for all.

Small networks spend most of a step on calling kernels; stacked, all of them share each call (Bradbury et al., 2018;
`torch.func`, "model ensembling"). Runs in a worker.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.func import vmap

from neuromosaic.core.brief import Contract
from neuromosaic.core.errors import UsageError
from neuromosaic.core.evaluation.loop import shuffling, steps_in, steps_per_epoch
from neuromosaic.core.evaluation.losses import loss_function
from neuromosaic.core.evaluation.optimisation import MOMENTUM, make_optimizer, rate_factor, undecayed
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.suitable import check_recipe
from neuromosaic.core.evaluation.training import EVALUATION_BATCH, Cause, Trained
from neuromosaic.core.graph.rebuild import Rebuilt

OWN = {"learning_rate", "weight_decay"}
"""What may differ between the recipes of one stack."""
ALONE = ("augment", "averaging", "accumulate", "precision", "loss_graph")
"""What only a training by itself can do."""
RANDOM = ("dropout", "rand", "bernoulli", "multinomial", "normal_", "uniform_")
FIRST_STEPS = 5
BETAS, EPSILON = (0.9, 0.999), 1e-8


@dataclass(frozen=True)
class Member:
    """One training of a stack. `weights`: initial parameters and buffers by name, None for the graph's own."""

    recipe: Recipe
    seed: int
    weights: Mapping[str, Tensor] | None = None


class StackReport(Protocol):
    """Told at the end of each epoch, as `training.Report` is, of all members at once: `train_losses` [members],
    `outputs` float32 [members, n, ...] on the CPU, NaN once a member has diverged. Answers (stop, keep) for each."""

    def __call__(
        self, epoch: int, of: int, train_losses: Tensor, seconds: float, outputs: Tensor
    ) -> Sequence[tuple[bool, bool]]: ...


def check_stack(module: Rebuilt, recipes: Sequence[Recipe]) -> None:
    """Raises UsageError where these trainings cannot be stacked, or would not come to what each comes to alone.

    Recipes may differ in learning rate and weight decay only, without what is in `ALONE`; a network's own loss, which
    may be two that take turns, is none of theirs; a network that draws random numbers would draw others in company
    than alone.
    """
    shared = recipes[0].model_dump(exclude=OWN)
    if any(recipe.model_dump(exclude=OWN) != shared for recipe in recipes[1:]):
        raise UsageError("stacked recipes differ in more than learning_rate and weight_decay; train them apart")
    if recipes[0].loss == "own":
        raise UsageError("loss: stacked trainings take none of a network's own; train them apart")
    for name in ALONE:
        if getattr(recipes[0], name) != Recipe.model_fields[name].default:
            raise UsageError(f"{name}: stacked trainings take none; train them apart")
    drawn = [str(node.target) for node in module.traces["train"].run.graph.nodes if _draws(str(node.target))]
    if drawn:
        raise UsageError(f"the network draws random numbers ({drawn[0]}), others than alone: train its copies apart")


def train_stacked(
    module: Rebuilt, members: Sequence[Member], x: Tensor, y: Tensor, *, fidelity: float, device: str,
    validation_x: Tensor, contract: Contract, report: StackReport,
) -> list[Trained]:  # fmt: skip
    """Trains one copy of `module` per member, each as `training.train` would alone, to rounding.

    Arrays as for `training.train`. A member that diverges or stops harms no other. Raises UsageError as
    `check_stack` does, and where a recipe does not fit the contract.
    """
    for member in members:
        check_recipe(member.recipe, contract)
    check_stack(module, [member.recipe for member in members])
    module.to(device)
    stack = _Stack(module, members, x.to(device), y.to(device), fidelity)
    validation_x, began = validation_x.to(device), time.perf_counter()
    for epoch in range(1, stack.of + 1):
        losses = stack.epoch()
        outputs = stack.predict(validation_x)
        outputs[~losses.isfinite().cpu()] = torch.nan
        stack.note(epoch, losses, report(epoch, stack.of, losses.cpu(), time.perf_counter() - began, outputs))
        if not stack.running:
            break
    return [stack.trained(number) for number in range(len(members))]


def stacking_gain(
    module: Rebuilt, recipe: Recipe, count: int, x: Tensor, y: Tensor, *, device: str, contract: Contract
) -> float:
    """How many times as fast `count` trainings are stacked as one after another, by a few first steps of each.

    Below 1 stacking loses: so it does for most convolutions on a CPU, which become grouped ones.
    """
    check_recipe(recipe, contract)
    check_stack(module, [recipe])
    module.to(device)
    rows = min(len(x), recipe.batch_size)
    x, y = x[:rows].to(device), y[:rows].to(device)
    start = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    stack = _Stack(module, [Member(recipe, seed) for seed in range(count)], x, y, fidelity=1)
    batch = torch.arange(rows, device=x.device).expand(count, -1)
    together = _fastest(lambda: stack.step(x[batch], y[batch]), device)
    optimizer, loss = make_optimizer(module.train(), x[:2], recipe), loss_function(recipe, x.device)
    clip = recipe.gradient_clip or math.inf

    def alone() -> None:
        optimizer.zero_grad()
        loss(module(x), y).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(module.parameters(), clip, foreach=True)
        optimizer.step()

    seconds = _fastest(alone, device)
    module.load_state_dict(start)
    return count * seconds / together


def _fastest(step: Callable[[], object], device: str) -> float:
    """Seconds of the quickest of a few."""
    times = []
    for _ in range(FIRST_STEPS):
        began = time.perf_counter()
        step()
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return min(times)


class _Stack:
    """All parameters in one matrix, [members, parameters], so that an optimiser step is a few calls for all."""

    def __init__(self, module: Rebuilt, members: Sequence[Member], x: Tensor, y: Tensor, fidelity: float) -> None:
        self.recipe, self.x, self.y, self.count = members[0].recipe, x, y, len(members)
        self.state = _Stacked(module, members)
        self.loss = loss_function(self.recipe, x.device)
        decayed = max((member.recipe for member in members), key=lambda recipe: recipe.weight_decay)
        self.optimizer = _Optimizer(self.state, members, undecayed(module, x[:2], decayed))
        self.orders = [shuffling(member.seed) for member in members]
        self.steps, self.done = steps_in(len(x), self.recipe, fidelity), 0
        self.per_epoch = steps_per_epoch(len(x), self.recipe.batch_size)
        self.of = -(-self.steps // self.per_epoch)
        self.running = set(range(self.count))
        self.ended: dict[int, tuple[Cause, int]] = {}
        self.kept: dict[int, dict[str, Tensor]] = {}

    def epoch(self) -> Tensor:
        """The mean loss of each member, [members]."""
        orders = torch.stack([torch.randperm(len(self.x), generator=draw) for draw in self.orders])
        total, steps = torch.zeros(self.count, device=self.x.device), min(self.per_epoch, self.steps - self.done)
        for rows in torch.split(orders.to(self.x.device), self.recipe.batch_size, dim=1)[:steps]:
            total += self.step(self.x[rows], self.y[rows])
        return total / steps

    def step(self, x: Tensor, y: Tensor) -> Tensor:
        """One step of every member on its own batch; the losses, [members]."""
        losses = self.state.map("train", lambda call, rows, labels: self.loss(call(rows), labels), x, y)
        (gradients,) = torch.autograd.grad(losses.sum(), self.state.matrix)
        self.optimizer.step(gradients, rate_factor(self.done, self.steps, self.recipe.warmup, self.recipe.schedule))
        self.done += 1
        return losses.detach()

    def predict(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            parts = [self._outputs(rows) for rows in torch.split(x, EVALUATION_BATCH)]
        return torch.cat(parts, dim=1).float().cpu()

    def _outputs(self, x: Tensor) -> Tensor:
        return self.state.map("eval", lambda call, _: call(x), self.state.numbers)

    def note(self, epoch: int, losses: Tensor, answers: Sequence[tuple[bool, bool]]) -> None:
        for number in sorted(self.running):
            stop, keep = answers[number]
            diverged = not losses[number].isfinite()
            if keep and not diverged:
                self.kept[number] = self.state.weights(number)
            if diverged:
                self._end(number, "diverged", epoch - 1)
            elif stop or epoch == self.of:
                self._end(number, "finished" if epoch == self.of else "stopped", epoch)

    def _end(self, number: int, cause: Cause, epochs: int) -> None:
        if cause != "diverged":
            self.kept.setdefault(number, self.state.weights(number))
        self.ended[number] = (cause, epochs)
        self.running.discard(number)

    def trained(self, number: int) -> Trained:
        return Trained(*self.ended[number], self.kept.get(number))


class _Stacked:
    """Tensors of all members, and a forward pass that takes them in place of the module's own."""

    def __init__(self, module: Rebuilt, members: Sequence[Member]) -> None:
        self.module = module
        self.parameters = {name: tensor for name, tensor in module.named_parameters() if tensor.requires_grad}
        rows = [[self._initial(member, name, own).flatten() for name, own in self.parameters.items()]
                for member in members]  # fmt: skip
        self.matrix = torch.stack([torch.cat(row) for row in rows]).requires_grad_()
        frozen = {name: tensor for name, tensor in module.named_parameters() if not tensor.requires_grad}
        self.rest = {
            name: torch.stack([self._initial(member, name, own) for member in members])
            for name, own in [*frozen.items(), *module.named_buffers()]
        }
        self.owners = {id(own): name for name, own in [*frozen.items(), *module.named_buffers()]}
        self.places = {id(own): number for number, own in enumerate(self.parameters.values())}
        self.sizes = [own.numel() for own in self.parameters.values()]
        self.numbers = torch.arange(len(members), device=self.matrix.device)

    @staticmethod
    def _initial(member: Member, name: str, own: Tensor) -> Tensor:
        given = (member.weights or {}).get(name, own)
        return given.detach().to(own.device, own.dtype)

    def map(self, mode: str, function: Callable[..., Tensor], *batched: Tensor) -> Tensor:
        """`function(call, *one member's rows)` of every member; `call(x)` is its forward pass."""
        trace = self.module.traces[mode]
        own = [tensors[key] for tensors, key in trace.slots]

        def one(row: Tensor, rest: dict[str, Tensor], *inputs: Tensor) -> Tensor:
            parts = torch.split(row, self.sizes)

            def held(tensor: Tensor) -> Tensor:
                if id(tensor) in self.places:
                    return parts[self.places[id(tensor)]].view(tensor.shape)
                return rest[self.owners[id(tensor)]] if id(tensor) in self.owners else tensor

            def call(x: Tensor) -> Any:
                return trace.run.forward(x, *[held(tensor) for tensor in own])[0]

            return function(call, *inputs)

        result: Tensor = vmap(one, randomness="error")(self.matrix, self.rest, *batched)
        return result

    def weights(self, number: int) -> dict[str, Tensor]:
        """One member's state_dict, on the CPU."""
        parts = torch.split(self.matrix.detach()[number], self.sizes)
        own = {name: part.view(old.shape) for (name, old), part in zip(self.parameters.items(), parts, strict=True)}
        own |= {name: stacked[number] for name, stacked in self.rest.items()}
        return {name: own[self._first(name)].to("cpu", copy=True) for name in self.module.state_dict()}

    def _first(self, name: str) -> str:
        """The name under which a tied tensor is held."""
        if name in self.parameters or name in self.rest:
            return name
        tensor = self.module.state_dict(keep_vars=True)[name]
        return next(first for first, own in self.parameters.items() if own is tensor)


class _Optimizer:
    """AdamW (Loshchilov & Hutter, 2019), Adam and SGD with Nesterov momentum, as PyTorch's own compute them."""

    def __init__(self, state: _Stacked, members: Sequence[Member], undecayed: set[int]) -> None:
        self.matrix, self.recipe, self.done = state.matrix, members[0].recipe, 0
        self.rates = _column([member.recipe.learning_rate for member in members], self.matrix)
        mask = torch.cat([torch.full((own.numel(),), float(id(own) not in undecayed), device=self.matrix.device)
                          for own in state.parameters.values()])  # fmt: skip
        self.decay = _column([member.recipe.weight_decay for member in members], self.matrix) * mask
        self.mean, self.square = torch.zeros_like(self.matrix), torch.zeros_like(self.matrix)

    @torch.no_grad()
    def step(self, gradients: Tensor, factor: float) -> None:
        if (limit := self.recipe.gradient_clip) is not None:
            gradients = gradients * (limit / (gradients.norm(dim=1, keepdim=True) + 1e-6)).clamp(max=1.0)
        self.done += 1
        rates = self.rates * factor
        if self.recipe.optimizer == "adamw":
            self.matrix.mul_(1 - rates * self.decay)
        else:
            gradients = gradients + self.decay * self.matrix
        if self.recipe.optimizer == "sgd":
            self._momentum(gradients, rates)
        else:
            self._adam(gradients, rates)

    def _momentum(self, gradients: Tensor, rates: Tensor) -> None:
        self.mean.mul_(MOMENTUM if self.done > 1 else 0.0).add_(gradients)
        self.matrix.sub_(rates * (gradients + MOMENTUM * self.mean))

    def _adam(self, gradients: Tensor, rates: Tensor) -> None:
        first, second = BETAS
        self.mean.lerp_(gradients, 1 - first)
        self.square.mul_(second).addcmul_(gradients, gradients, value=1 - second)
        spread = (self.square / (1 - second**self.done)).sqrt_().add_(EPSILON)
        self.matrix.sub_(rates / (1 - first**self.done) * self.mean.div(spread))


def _column(values: list[float], like: Tensor) -> Tensor:
    return torch.tensor(values, dtype=like.dtype, device=like.device)[:, None]


def _draws(target: str) -> bool:
    return any(word in target for word in RANDOM)
