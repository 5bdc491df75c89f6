"""Architecture and recipe in one space: how a network is best trained depends on the network."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from neuromosaic.core.brief import Contract
from neuromosaic.core.errors import SpaceError
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.suitable import augmentations_for
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.space import SearchSpace

PREFIX = "recipe_"
BATCHES = (16, 32, 64, 128, 256)
FEWEST_STEPS = 8  # an epoch, which bounds the batch


@dataclass(frozen=True)
class Trained:
    """An architecture with the recipe that it is trained by."""

    architecture: Any
    recipe: Recipe

    def to_model(self) -> Any:
        return self.architecture.to_model()

    @property
    def infer(self) -> Any:
        """The architecture's own; AttributeError where it cannot tell."""
        return self.architecture.infer


def joint_space(space: SearchSpace, recipe: Recipe, contract: Contract, examples: int) -> SearchSpace:
    """The space with a recipe's choices beside its own, named `recipe_...`; its points mean `Trained` architectures.

    Optimiser, learning rate (one range per kind of optimiser), weight decay, batch, warm-up, schedule, averaging of
    weights, label smoothing and the augmentations that fit the contract; `examples` to train on bound the batch. All
    else stays as `recipe` has it.
    Raises SpaceError where a parameter of the space has such a name.
    """
    more = recipe_parameters(recipe, contract, examples)
    clash = sorted(more.keys() & space.parameters.keys())
    if clash:
        raise SpaceError(f"search_recipe: {clash[0]!r} is a parameter of the space already; rename it there")
    return space.joined(more, partial(_build, space, recipe), partial(_canonical, space))


def recipe_parameters(recipe: Recipe, contract: Contract, examples: int) -> dict[str, Mapping[str, Any]]:
    """The parameters that `joint_space` adds."""
    adaptive = {"optimizer": ["adamw", "adam"]}
    rate, decay = {"type": "float", "log": True}, {"type": "float", "log": True, "min": 1e-5, "max": 0.3}
    found: dict[str, Mapping[str, Any]] = {
        "optimizer": {"type": "categorical", "values": ["adamw", "adam", "sgd"]},
        "learning_rate": {**rate, "min": 1e-4, "max": 3e-2, "when": _prefixed(adaptive)},
        "sgd_learning_rate": {**rate, "min": 3e-3, "max": 1.0, "when": _prefixed({"optimizer": "sgd"})},
        "weight_decay": decay,
        "batch_size": {"type": "ordinal", "values": _batches(recipe, examples)},
        "schedule": {"type": "categorical", "values": ["cosine", "linear", "constant"]},
        "averaging": {"type": "ordinal", "values": [0.0, 0.9, 0.99]},
        "warmup": {"type": "ordinal", "values": [0.0, 0.05, 0.1, 0.2]},
    }
    if recipe.loss == "cross_entropy" and recipe.loss_graph is None:
        found["label_smoothing"] = {"type": "ordinal", "values": [0.0, 0.05, 0.1, 0.2]}
    return _prefixed(found | {name: {"type": "bool"} for name in augmentations_for(contract)})


def recipe_of(point: Point, recipe: Recipe) -> Recipe:
    """What a point of the joint space says of training, all else as in `recipe`."""
    told = {name.removeprefix(PREFIX): value for name, value in point.items() if name.startswith(PREFIX)}
    if "sgd_learning_rate" in told:
        told["learning_rate"] = told.pop("sgd_learning_rate")
    flags = [name for name, value in told.items() if isinstance(value, bool)]
    augment = tuple(name for name in flags if told.pop(name))
    return Recipe.model_validate(recipe.model_dump() | told | {"augment": augment})


def _batches(recipe: Recipe, examples: int) -> list[int]:
    fitting = [batch for batch in BATCHES if batch * FEWEST_STEPS <= examples]
    return fitting or [min(recipe.batch_size, max(2, examples))]


def _prefixed(named: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{PREFIX}{name}": value for name, value in named.items()}


def _split(point: Point) -> tuple[Point, Point]:
    """The architecture's part and the recipe's."""
    recipe = {name: value for name, value in point.items() if name.startswith(PREFIX)}
    return {name: value for name, value in point.items() if name not in recipe}, recipe


def _build(space: SearchSpace, recipe: Recipe, point: Point) -> Trained:
    own, _ = _split(point)
    return Trained(space.architecture(own), recipe_of(point, recipe))


def _canonical(space: SearchSpace, point: Point) -> Point:
    own, recipe = _split(point)
    return {**space.canonical(own), **recipe}
