"""Learning from a larger network's outputs besides the labels. Runs in a worker."""

from collections.abc import Callable

import torch.nn.functional as F  # noqa: N812 (its usual name)
from torch import Tensor

from neuromosaic.core.evaluation.recipe import Recipe

SHARE = 0.5  # of the loss that is the teacher's
TEMPERATURE = 2.0

Distance = Callable[[Tensor, Tensor], Tensor]


def distance(recipe: Recipe) -> Distance:
    """(outputs, the teacher's) -> scalar.

    For classes the Kullback-Leibler divergence of softened probabilities, times the squared temperature (Hinton et
    al., 2015, arXiv:1503.02531, section 2); for all else the mean squared difference (Ba & Caruana, 2014,
    arXiv:1312.6184).
    """
    return _of_classes if recipe.loss == "cross_entropy" else F.mse_loss


def _of_classes(outputs: Tensor, teacher: Tensor) -> Tensor:
    own, soft = (scores.flatten(0, -2) / TEMPERATURE for scores in (outputs, teacher))
    divergence = F.kl_div(own.log_softmax(-1), soft.log_softmax(-1), reduction="batchmean", log_target=True)
    return TEMPERATURE**2 * divergence
