"""Proposes how to train: AdamW, calm and bold, for as long as the data and the budget ask."""

import math
import re

from neuromosaic.core.brief import Generative
from neuromosaic.core.evaluation.recipe import Augmentation, Recipe
from neuromosaic.core.evaluation.suitable import augmentations_for
from neuromosaic.core.proposals import RecipeProposal
from neuromosaic.core.role_inputs import DataSummary, Inputs, RecipeInputs
from neuromosaic.llm.offline.symmetries import demanded

EXAMPLES_SEEN = {"image": 250_000, "tabular": 600_000, "sequence": 200_000, "graph": 200_000, "text": 80_000}
"""What one full training looks at, over all its epochs, by kind of data."""

FEWEST_EPOCHS, MOST_EPOCHS = 3.0, 60.0
LONGER: dict[Generative | None, int] = {"diffusion": 3, "gan": 3}
"""So many times the usual epochs: each shows an example in one noise of many, or to who has just changed."""
SLOW_AVERAGE = 0.999
"""Of a pair's weights, which circle around where they belong (Yazici et al., 2019, arXiv:1806.04498)."""

NEVER_MIRRORED = re.compile(r"digit|number|character|letter|sign|text|glyph|\bocr\b|plate|mnist")


def propose_recipes(inputs: RecipeInputs) -> RecipeProposal:
    """A calm recipe and a bold one: the best learning rate is rarely known beforehand."""
    rate = 1e-3 if {"Transformer", "ConvNeXt"} & {family.split(",")[0] for family in inputs.families} else 2e-3
    calm = _recipe(inputs, rate, weight_decay=0.01)
    bold = _recipe(inputs, 3 * rate, weight_decay=0.05)
    return RecipeProposal(recipes=(calm, bold), reason=_why(inputs, calm))


def usual_epochs(data: DataSummary) -> float:
    """From the size of the data alone."""
    return min(MOST_EPOCHS, max(FEWEST_EPOCHS, round(EXAMPLES_SEEN[data.kind] / max(1, data.train))))


def _recipe(inputs: RecipeInputs, rate: float, weight_decay: float) -> Recipe:
    epochs = _epochs(inputs)
    smooth = inputs.contract.kind == "image" and inputs.loss == "cross_entropy"
    pair = inputs.contract.generative == "gan"
    return Recipe(
        learning_rate=rate,
        weight_decay=weight_decay,
        batch_size=_batch_size(inputs),
        epochs=epochs,
        label_smoothing=0.05 if smooth else 0.0,
        augment=_augmentation(inputs),
        patience=max(5, math.ceil(epochs / 3)),
        loss=inputs.loss,
        schedule="constant" if pair else "cosine",
        averaging=SLOW_AVERAGE if pair else 0.0,
    )


def _epochs(inputs: RecipeInputs) -> float:
    """As many as the data ask for and the time allows; never less than half a pass."""
    wanted = usual_epochs(inputs.data) * LONGER.get(inputs.contract.generative, 1)
    if inputs.seconds is None or not inputs.seconds_per_epoch:
        return wanted
    return max(0.5, min(wanted, round(inputs.seconds / inputs.seconds_per_epoch, 1)))


def _batch_size(inputs: RecipeInputs) -> int:
    """Small where there are few examples, so that an epoch has enough steps; large on an accelerator."""
    if inputs.contract.kind == "text":
        return 32
    train = inputs.data.train
    size = 32 if train < 3_000 else 64 if train < 30_000 else 128
    size *= 2 if inputs.contract.generative == "gan" and train >= 128 else 1  # a batch is judged against a batch
    return size if inputs.hardware.device == "cpu" or train < 30_000 else 4 * size


def _augmentation(inputs: RecipeInputs) -> tuple[Augmentation, ...]:
    shifts = "shift" in augmentations_for(inputs.contract)
    if inputs.contract.kind != "image" or not shifts or "nodes" in demanded(inputs.brief, inputs.contract):
        return ()
    return ("shift", "flip") if _may_be_mirrored(inputs) else ("shift",)


def _may_be_mirrored(inputs: Inputs) -> bool:
    """Colour images of things: not what is read, such as digits and signs."""
    said = f"{inputs.brief.sentence} {inputs.brief.hints} {inputs.data.name}".lower()
    read = NEVER_MIRRORED.search(said) or all(len(name) <= 2 for name in inputs.data.classes)
    return inputs.contract.input.shape[0] == 3 and min(inputs.contract.input.shape[-2:]) >= 24 and not read


def _why(inputs: RecipeInputs, recipe: Recipe) -> str:
    time = "" if inputs.seconds is None else f" within {inputs.seconds:.0f} seconds"
    augmented = f", {' and '.join(recipe.augment)} to see more than there is" if recipe.augment else ""
    return (
        f"{inputs.data.train:,} training examples{time} ask for {recipe.epochs:g} epochs of {recipe.batch_size} a "
        f"batch{augmented}; the second recipe tries three times the learning rate."
    )
