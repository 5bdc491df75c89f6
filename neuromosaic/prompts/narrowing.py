"""What of a decision's values fit one task: told in the prompt, and in the schema that a server may enforce."""

from functools import singledispatch
from typing import Any

from neuromosaic.core.evaluation.suitable import augmentations_for, losses_for
from neuromosaic.core.role_inputs import BriefInputs, ComputeInputs, MetricsInputs, RecipeInputs
from neuromosaic.prompts.schema import Narrowed

SETTLED = ("schedule", "averaging", "accumulate", "precision", "loss_graph")
"""Of a recipe: what the Trainer does not choose, for the prompt tells how training goes in these respects."""


@singledispatch
def narrowed(inputs: Any) -> Narrowed:
    """Field name to the values that fit; none: the field is left out. By the kind of inputs; of most nothing is."""
    return {}


@narrowed.register
def _(inputs: BriefInputs) -> Narrowed:
    return {"sentence": []}


@narrowed.register
def _(inputs: ComputeInputs) -> Narrowed:
    trials = inputs.brief.budget.trials
    return {} if trials is None else {"trials": [trials]}


@narrowed.register
def _(inputs: MetricsInputs) -> Narrowed:
    weighted = [True, False] if inputs.contract.task == "classification" else []
    return {
        "loss": losses_for(inputs.contract), "primary": inputs.available, "report": inputs.available,
        "weighted_loss": weighted,
    }  # fmt: skip


@narrowed.register
def _(inputs: RecipeInputs) -> Narrowed:
    fitting = {"loss": [inputs.loss], "augment": augmentations_for(inputs.contract), **dict.fromkeys(SETTLED, ())}
    return fitting if inputs.loss == "cross_entropy" else {**fitting, "class_weights": [], "label_smoothing": []}
