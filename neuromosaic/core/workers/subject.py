"""A network with examples, as the gates of a worker look at it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from neuromosaic.core.brief import TensorSpec
from neuromosaic.core.evaluation.losses import answer, objective
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.turns import turns_of
from neuromosaic.core.graph.examples import draw_inputs, draw_targets, other_values
from neuromosaic.core.graph.tensors import to_torch
from neuromosaic.core.protocols import Job
from neuromosaic.core.signature import Signature
from neuromosaic.core.tasks import LOSS
from neuromosaic.core.workers.inspection import given_inputs, leaves

SEED = 0
DEFAULT_EXAMPLES = 32
Inputs = tuple[Tensor, ...]


@dataclass
class Subject:
    """A network on its device, with examples: `inputs`, one tensor per argument of forward, and, where they are
    known, the `targets` that its first output is compared with.

    `cut`: whether the batch may be made smaller; inputs from a file's own factory may not say. `minimised`: the name
    of a generative network's loss that is looked at.
    """

    module: nn.Module
    signature: Signature
    recipe: Recipe
    inputs: Inputs
    targets: Tensor | None = None
    cut: bool = True
    minimised: str = LOSS

    # ------------------------------------------------------------ turns

    def in_turn(self) -> Iterator[str]:
        """The name of each loss that training minimises; meanwhile `loss` is that one, and who does not follow it
        holds still. Raises CandidateError as `turns_of` does."""
        for turn in turns_of(self.module, self.signature.generative):
            self.minimised = turn.loss
            try:
                with turn.taken():
                    yield turn.loss
            finally:
                self.minimised = LOSS

    # ------------------------------------------------------------ passes

    @cached_property
    def answers(self) -> list[Tensor]:
        """Outputs in eval mode for the examples, once training steps are over."""
        return self.scores(self.inputs)

    def scores(self, inputs: Inputs, seed: int = SEED) -> list[Tensor]:
        """Outputs in eval mode, without gradients."""
        torch.manual_seed(seed)
        self.module.eval()
        with torch.no_grad():
            return leaves(self.module(*(x.clone() for x in inputs)))  # it may write on them

    def loss(self, number: int = 0) -> tuple[list[Tensor], Tensor]:
        """Outputs in train mode, and the loss; other examples with another `number`."""
        torch.manual_seed(SEED + number)
        inputs = self.inputs if number == 0 else self._other_examples(number)
        returned = self.module.train()(*(x.clone() for x in inputs))
        outputs = leaves(returned)
        return outputs, self._objective(returned, outputs)

    def _other_examples(self, number: int) -> Inputs:
        if self.signature.inputs:
            return tuple(
                x.to(self.inputs[0].device) for x in draw_inputs(self.signature, len(self.inputs[0]), number)
            )
        return tuple(x * (1 + number) if x.is_floating_point() else x for x in self.inputs)

    def _objective(self, returned: Any, outputs: list[Tensor]) -> Tensor:
        """The loss of the first output with the terms that the network declares, or its own.

        A random weighting stands for whatever no loss is known for.
        """
        if self.signature.loss == "own":
            return objective(self.recipe, outputs[0].device, self.minimised)(returned, outputs[0]).loss
        first, rest = outputs[:1], outputs[1:]
        if self.signature.loss is None or not first or not _has_targets(first[0], self.signature):
            return self._weighted(outputs)
        whole = returned if isinstance(answer(returned), Tensor) else first[0]
        return self._stated_loss(whole, first[0]) + (self._weighted(rest) if rest else 0.0)

    def _stated_loss(self, returned: Any, output: Tensor) -> Tensor:
        targets = self.targets if self.targets is not None else draw_targets(self.signature, output, SEED)
        return objective(self.recipe, output.device)(returned, targets).loss

    def _weighted(self, outputs: list[Tensor]) -> Tensor:
        """Weights differ from number to number: the sum of a softmax, say, would have no gradient."""
        total = torch.zeros((), device=self.inputs[0].device if self.inputs else None)
        for number, output in enumerate(outputs):
            real = torch.view_as_real(output) if output.is_complex() else output
            if real.is_floating_point() and real.numel():
                generator = torch.Generator().manual_seed(number)
                weights = torch.randn(real.shape, generator=generator).to(real.device)
                total = total + (real * weights).mean()
        return total

    # ------------------------------------------------------------ the batch

    @property
    def axes(self) -> list[int]:
        """Where the batch may lie: axes of the inputs, two or more long, along which an output runs as well."""
        return [
            axis
            for axis in self.signature.batch_axes
            if self.size(axis) > 1 and any(self.runs_along(output, axis) for output in self.answers)
        ]

    def size(self, axis: int) -> int:
        return self.inputs[0].shape[axis] if self.inputs and self.inputs[0].ndim > axis else 0

    def runs_along(self, tensor: Tensor, axis: int) -> bool:
        return tensor.ndim > axis and tensor.shape[axis] == self.size(axis)

    def first_alone(self, axis: int) -> Inputs:
        return tuple(x.narrow(axis, 0, 1) if self.runs_along(x, axis) else x for x in self.inputs)

    def others_changed(self, axis: int, kept: int) -> Inputs:
        """All examples but one have other values."""
        return tuple(self._others(number, axis, kept) for number in range(len(self.inputs)))

    def _others(self, number: int, axis: int, kept: int) -> Tensor:
        x = self.inputs[number]
        if not self.runs_along(x, axis):
            return x
        changed = other_values(x, self._spec(number)).clone()
        changed.select(axis, kept).copy_(x.select(axis, kept))
        return changed

    def changed_from(self, step: int) -> Inputs:
        """The first input with other values from this position of its second axis on."""
        x, *others = self.inputs
        changed = x.clone()
        changed[:, step:] = other_values(x[:, step:], self._spec(0))
        return changed, *others

    def enlarged(self, factor: float) -> Inputs:
        return tuple(factor * x if x.is_floating_point() else x for x in self.inputs)

    def _spec(self, number: int) -> TensorSpec | None:
        return self.signature.inputs[number] if number < len(self.signature.inputs) else None


def subject_of(module: nn.Module, job: Job) -> Subject:
    """The network of a job with the examples that it brought, or with as many drawn ones as it asks for."""
    arguments, device = job.arguments, str(job.arguments.get("device", "cpu"))
    signature, examples = (
        Signature.model_validate(arguments["signature"]),
        arguments.get("examples", DEFAULT_EXAMPLES),
    )
    given = given_inputs(job, device)
    inputs = given or tuple(x.to(device) for x in draw_inputs(signature, examples, SEED))
    cut = bool(signature.batch_axes) and arguments.get("cut", True)
    if given and cut and signature.batch_axes[0] == 0:
        inputs = tuple(x[:examples] for x in inputs)
    targets = to_torch(job.tensors["y"])[:examples].to(device) if "y" in job.tensors else None
    recipe = Recipe(loss=signature.loss or "mse", batch_size=max(1, examples), weight_decay=0.0)
    return Subject(module.to(device), signature, recipe, inputs, targets, cut)


def _has_targets(output: Tensor, signature: Signature) -> bool:
    """Whether the loss can be taken: not of what a network returns in train mode alone, such as its own loss."""
    return output.is_floating_point() and output.ndim >= (2 if signature.loss == "cross_entropy" else 1)
