"""What training minimises."""

from collections.abc import Callable
from typing import assert_never

import torch
import torch.nn.functional as F  # noqa: N812 (its usual name)
from torch import Tensor

from neuromosaic.core.evaluation.recipe import Recipe

IMAGES = 4  # axes of scores of images, whose classes are the second
LossFunction = Callable[[Tensor, Tensor], Tensor]


def loss_function(recipe: Recipe, device: torch.device) -> LossFunction:
    """(outputs, targets) -> scalar, the mean over the batch.

    `cross_entropy` takes scores [batch, classes] with int64 [batch], or [batch, time, vocabulary] with int64
    [batch, time], or [batch, classes, height, width] with int64 [batch, height, width]; targets of -100 do not count;
    `binary_cross_entropy` takes scores, to which it applies the sigmoid itself, with 0 and 1
    of the same shape; `mse` and `huber` (delta 1) take two float tensors of one shape.
    """
    match recipe.loss:
        case "cross_entropy":
            return _cross_entropy(recipe, device)
        case "binary_cross_entropy":
            return F.binary_cross_entropy_with_logits
        case "mse":
            return F.mse_loss
        case "huber":
            return F.huber_loss
        case unknown:
            assert_never(unknown)


def _cross_entropy(recipe: Recipe, device: torch.device) -> LossFunction:
    weights = None if recipe.class_weights is None else torch.tensor(recipe.class_weights, device=device)
    smoothing = recipe.label_smoothing

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        last = outputs.movedim(1, -1) if outputs.ndim == IMAGES else outputs
        scores = last.flatten(0, -2)
        return F.cross_entropy(scores, targets.flatten(), weight=weights, label_smoothing=smoothing)

    return loss
