"""The evaluator that ships, by name: a search over networks needs a space and data, nothing else."""

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from neuromosaic.core.errors import SearchError
from neuromosaic.core.space.space import SearchSpace
from neuromosaic.core.spelling import suggest

if TYPE_CHECKING:
    from neuromosaic.core.evaluation.evaluators.evaluator import TrainingEvaluator
    from neuromosaic.core.evaluation.recipe import Recipe

NOT_OPTIONS = {"self", "data", "task", "mode", "space", "seed"}  # what the search itself says


class Named(NamedTuple):
    """The evaluator, and the space that is then searched."""

    evaluator: Any
    space: SearchSpace | None


def evaluator_meant(
    given: Any, data: Any, task: Any, space: SearchSpace | None, seed: int, options: Mapping[str, Any] | None = None
) -> tuple[Any, SearchSpace | None]:
    """The evaluator that is given, ours where it is named, and the space that is then searched.

    Raises SearchError for data or options that none is to use.
    """
    if isinstance(given, str):
        return named_evaluator(given, data, task, space, seed, options)
    if any(one is not None for one in (data, task, options)):
        raise SearchError(
            "data, task and evaluator_options go with evaluator='training', or one of its modes by name"
        )
    return given, space


def named_evaluator(
    name: str, data: Any, task: Any, space: SearchSpace | None, seed: int, options: Mapping[str, Any] | None = None
) -> Named:
    """A TrainingEvaluator: `name` is "training" (its mode "auto") or one of its modes.

    `options`: further arguments of it, and `search_recipe`: whether the recipe is searched together with the
    architecture; a `recipe` may be a mapping of its fields. Raises SearchError for another name or option and where
    `data` is missing; UsageError and DataError where they do not fit.
    """
    from neuromosaic.core.evaluation.evaluators.evaluator import MODES, TrainingEvaluator

    if name not in {*MODES, "training"}:
        raise SearchError(f"evaluator: there is no {name!r}{suggest(name, ['training', *MODES])}")
    if data is None:
        raise SearchError(f"evaluator: {name!r} trains networks: give data, such as data='digits'")
    given = dict(options or {})
    searches_recipe = given.pop("search_recipe", False)
    known = [*(inspect.signature(TrainingEvaluator).parameters.keys() - NOT_OPTIONS), "search_recipe"]
    for option in given:
        if option not in known:
            raise SearchError(f"evaluator_options: there is no {option!r}{suggest(option, known)}")
    if isinstance(given.get("recipe"), Mapping):
        given["recipe"] = _recipe(given["recipe"])
    mode = "auto" if name == "training" else name
    evaluator = TrainingEvaluator(data, task, mode=mode, space=space, seed=seed, **given)
    return Named(evaluator, _joint(evaluator, space) if searches_recipe else space)


def _recipe(fields: Mapping[str, Any]) -> "Recipe":
    from pydantic import ValidationError

    from neuromosaic.core.evaluation.recipe import Recipe

    known = Recipe.model_fields
    for name in fields:
        if name not in known:
            raise SearchError(f"evaluator_options: recipe: there is no {name!r}{suggest(str(name), known)}")
    try:
        return Recipe.model_validate(dict(fields))
    except ValidationError as error:
        fault = error.errors()[0]
        path = ".".join(map(str, ("recipe", *fault["loc"])))
        raise SearchError(f"evaluator_options: {path}: {fault['msg']}, not {fault['input']!r}") from None


def _joint(evaluator: "TrainingEvaluator", space: SearchSpace | None) -> SearchSpace:
    from neuromosaic.core.evaluation.joint import joint_space

    if space is None:
        raise SearchError("search_recipe: the recipe is searched together with a space; give space=")
    if evaluator.mode == "weight_sharing":
        raise SearchError("search_recipe: shared weights are trained by one recipe; take another mode")
    data = evaluator.dataset
    return joint_space(space, evaluator.base_recipe, data.contract, len(data.train))
