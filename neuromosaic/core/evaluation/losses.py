"""What training minimises."""

from collections.abc import Callable
from typing import Any, NamedTuple, assert_never

import torch
import torch.nn.functional as F  # noqa: N812 (its usual name)
from torch import Tensor

from neuromosaic.core.errors import CandidateError
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.graph.packing import of_text
from neuromosaic.core.graph.rebuild import rebuild
from neuromosaic.core.tasks import LOSS

IMAGES = 4  # axes of scores of images, whose classes are the second
OUTPUT = "output"
"""The name of what the contract promises, in the dict that a network may return."""
MOST_TERMS = 16
TEMPERATURE = 0.1  # of the contrastive loss
MARGIN, FARTHEST = 0.2, 2.0  # of triplets; on the unit sphere nothing is farther
LossFunction = Callable[[Tensor, Tensor], Tensor]


class Objective(NamedTuple):
    """The scalar that is minimised, and the named scalars that a network declared beside its output."""

    loss: Tensor
    terms: dict[str, Tensor]


def answer(returned: Any) -> Any:
    """What the contract promises of whatever forward returned: `output` of a dict that has it, beside scalars."""
    if not isinstance(returned, dict) or OUTPUT not in returned:
        return returned
    others = (value for name, value in returned.items() if name != OUTPUT)
    return returned[OUTPUT] if all(isinstance(value, Tensor) and value.ndim == 0 for value in others) else returned


def objective(recipe: Recipe, device: torch.device, own: str = LOSS) -> Callable[[Any, Tensor], Objective]:
    """(whatever forward returned, targets) -> what is minimised.

    The recipe's loss of the output, and the sum of the scalars that the network declares beside it (regularisation);
    with the loss "own" the scalar that the network returns as `own` alone, whose parts the others are. Raises
    CandidateError where a network returns no such loss, or more scalars than are reported.
    """
    stated = None if recipe.loss == "own" else loss_function(recipe, device)

    def of(returned: Any, targets: Tensor) -> Objective:
        output, terms = answer(returned), _terms(returned)
        if stated is None:
            if own not in terms:
                raise CandidateError(f"forward returns no scalar named `{own}` to be minimised", "no-loss")
            return Objective(terms.pop(own), terms)
        return Objective(sum(terms.values(), stated(output, targets)), terms)

    return of


def _terms(returned: Any) -> dict[str, Tensor]:
    if not isinstance(returned, dict):
        return {}
    terms = {str(name): term for name, term in returned.items() if isinstance(term, Tensor) and term.ndim == 0}
    if len(terms) > MOST_TERMS:
        raise CandidateError(f"forward returns {len(terms)} scalars: at most {MOST_TERMS} are reported", "terms")
    return terms


def loss_function(recipe: Recipe, device: torch.device) -> LossFunction:
    """(outputs, targets) -> scalar, the mean over the batch.

    `cross_entropy` takes scores [batch, classes] with int64 [batch], or [batch, time, vocabulary] with int64
    [batch, time], or [batch, classes, height, width] with int64 [batch, height, width]; targets of -100 do not count;
    `binary_cross_entropy` takes scores, to which it applies the sigmoid itself, with 0 and 1
    of the same shape; `mse` and `huber` (delta 1) take two float tensors of one shape; `contrastive`
    and `triplet` take embeddings [batch, dimensions] with int64 [batch]; `own`, which only the network
    knows, is the mean squared error here. A loss of the user's own takes the place of any.
    """
    if recipe.loss_graph is not None:
        return _written(recipe.loss_graph, device)
    match recipe.loss:
        case "cross_entropy":
            return _cross_entropy(recipe, device)
        case "binary_cross_entropy":
            return F.binary_cross_entropy_with_logits
        case "mse" | "own":
            return F.mse_loss
        case "huber":
            return F.huber_loss
        case "contrastive":
            return contrastive
        case "triplet":
            return triplet
        case unknown:
            assert_never(unknown)


def _written(text: str, device: torch.device) -> LossFunction:
    try:
        module = rebuild(of_text(text)).to(device)
    except ValueError as error:
        raise CandidateError(f"loss_graph of the recipe is no graph: {error}", "bad-graph") from None
    return lambda outputs, targets: module(outputs, targets)


def _cross_entropy(recipe: Recipe, device: torch.device) -> LossFunction:
    weights = None if recipe.class_weights is None else torch.tensor(recipe.class_weights, device=device)
    smoothing = recipe.label_smoothing

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        last = outputs.movedim(1, -1) if outputs.ndim == IMAGES else outputs
        scores = last.flatten(0, -2)
        return F.cross_entropy(scores, targets.flatten(), weight=weights, label_smoothing=smoothing)

    return loss


def contrastive(outputs: Tensor, targets: Tensor) -> Tensor:
    """Supervised contrastive loss (Khosla et al., 2020, arXiv:2004.11362, equation 2) of angles."""
    unit = F.normalize(outputs.flatten(1), dim=1)
    alone = torch.eye(len(unit), dtype=torch.bool, device=unit.device)
    alike = (unit @ unit.T / TEMPERATURE).masked_fill(alone, -1e9)
    same = (targets[:, None] == targets[None, :]) & ~alone
    shares = (alike - alike.logsumexp(1, keepdim=True)) * same
    return -(shares.sum(1) / same.sum(1).clamp(min=1)).mean()


def triplet(outputs: Tensor, targets: Tensor) -> Tensor:
    """The farthest of the same class against the nearest of another (Hermans et al., 2017, arXiv:1703.07737,
    equation 5), on the unit sphere with a margin."""
    unit = F.normalize(outputs.flatten(1), dim=1)
    distances = (2 - 2 * unit @ unit.T).clamp(min=1e-6).sqrt()
    same = targets[:, None] == targets[None, :]
    farthest = distances.masked_fill(~same, 0.0).amax(1)
    closest = distances.masked_fill(same, FARTHEST).amin(1)
    return (farthest - closest + MARGIN).clamp(min=0).mean()
