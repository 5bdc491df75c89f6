"""Whether a recipe fits a contract; imports no PyTorch, so that the roles may ask."""

from neuromosaic.core.brief import Contract
from neuromosaic.core.errors import UsageError
from neuromosaic.core.evaluation.recipe import Augmentation, Loss, Recipe
from neuromosaic.core.tasks import FORMS, outputs_of


def losses_for(contract: Contract) -> tuple[Loss, ...]:
    """The losses that can train this task."""
    return FORMS[contract.task].losses


def augmentations_for(contract: Contract) -> tuple[Augmentation, ...]:
    """The augmentations that can change these inputs: none for ids, graphs and what is learnt itself, geometry
    only for images.

    Blended examples have no class to be near to.

    What moves pixels would have to move the classes of a segmentation with them: it is not offered there.
    """
    if contract.input.dtype != "float32" or contract.kind == "graph" or contract.task == "generation":
        return ()
    if contract.kind == "image" and len(contract.input.shape) == 3 and contract.task != "segmentation":
        geometry: tuple[Augmentation, ...] = ("shift", "flip", "rotate", "noise")
        return geometry if contract.task == "metric_learning" else (*geometry, "mixup")
    return ("noise",) if contract.task == "metric_learning" else ("noise", "mixup")


def check_recipe(recipe: Recipe, contract: Contract) -> None:
    """Raises UsageError, naming the field, where the recipe cannot train a network of this contract."""
    if recipe.loss not in (known := losses_for(contract)):
        raise UsageError(f"loss: {recipe.loss!r} cannot train {contract.task}; use one of {', '.join(known)}")
    for name in recipe.augment:
        if name not in (fitting := augmentations_for(contract)):
            choice = ", ".join(fitting) or "none"
            raise UsageError(f"augment: {name!r} does not fit {contract.kind} inputs; what fits: {choice}")
    classes, weights = outputs_of(contract), recipe.class_weights
    if weights is not None and (recipe.loss != "cross_entropy" or len(weights) != classes):
        raise UsageError(f"class_weights: {len(weights)} given; cross_entropy over {classes} classes takes {classes}")
