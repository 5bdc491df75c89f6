"""Trainer: proposes recipes."""

from functools import partial

from neuromosaic.agents.asking import ask
from neuromosaic.core.errors import UsageError
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.suitable import check_recipe
from neuromosaic.core.proposals import RecipeProposal, Request
from neuromosaic.core.role_inputs import RecipeInputs
from neuromosaic.llm.protocols import ModelClient


def propose_recipes(client: ModelClient, inputs: RecipeInputs) -> RecipeProposal:
    """Recipes that fit task and data, best guess first. Raises ReplyError."""
    check = partial(_faults, inputs)
    request = Request[RecipeProposal](
        role="Trainer", purpose="recipes", inputs=inputs, reply=RecipeProposal, check=check
    )
    return ask(client, request)


def _faults(inputs: RecipeInputs, proposal: RecipeProposal) -> list[str]:
    return [
        f"recipes.{number}: {fault}"
        for number, recipe in enumerate(proposal.recipes)
        for fault in _recipe_faults(inputs, recipe)
    ]


def _recipe_faults(inputs: RecipeInputs, recipe: Recipe) -> list[str]:
    faults = [f"loss must be {inputs.loss!r}, not {recipe.loss!r}"] if recipe.loss != inputs.loss else []
    try:
        check_recipe(recipe, inputs.contract)
    except UsageError as error:
        faults.append(str(error))
    if recipe.label_smoothing and inputs.loss != "cross_entropy":
        faults.append(f"label_smoothing is for cross_entropy, not for {inputs.loss}")
    return faults
