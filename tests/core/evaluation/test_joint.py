"""One space of networks and of ways to train them."""

import pickle
import random
from typing import Any

import cloudpickle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuromosaic.core.architecture.spec import ArchitectureSpec
from neuromosaic.core.brief import Contract, TensorSpec
from neuromosaic.core.errors import SearchError, SpaceError
from neuromosaic.core.evaluation.joint import PREFIX, joint_space, recipe_of, recipe_parameters
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.suitable import check_recipe
from neuromosaic.core.search.study import ArchitectureSearch
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.ready import ready_space
from neuromosaic.core.space.space import SearchSpace

IMAGES = Contract(
    task="classification", input=TensorSpec(shape=(1, 8, 8)), output=TensorSpec(shape=(10,)), kind="image"
)
ROWS = Contract(task="regression", input=TensorSpec(shape=(3,)), output=TensorSpec(shape=(1,)), kind="tabular")
BASE = Recipe(epochs=3, gradient_clip=0.5)


def build(point: Point) -> ArchitectureSpec:
    layers = [("flatten", {}), ("linear", {"features": point["width"]}), ("relu", {}), ("linear", {"features": 10})]
    return ArchitectureSpec.chain((1, 8, 8), *layers)  # type: ignore[arg-type]


SPACE = SearchSpace({"width": {"type": "int", "min": 2, "max": 64}}, ["width != 13"], build=build)
JOINT = joint_space(SPACE, BASE, IMAGES, 1000)


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_every_point_is_a_network_and_a_recipe_that_fits(seed: int) -> None:
    point = JOINT.sample(random.Random(seed))
    trained = JOINT.architecture(point)
    assert trained.architecture == build({"width": point["width"]})
    assert trained.infer().parameters == trained.architecture.infer().parameters
    check_recipe(trained.recipe, IMAGES)
    assert (trained.recipe.epochs, trained.recipe.gradient_clip) == (3, 0.5)
    assert trained.recipe.batch_size * 8 <= 1000
    sgd = trained.recipe.optimizer == "sgd"
    assert (f"{PREFIX}sgd_learning_rate" in point) == sgd == (f"{PREFIX}learning_rate" not in point)
    assert trained.recipe.learning_rate == point[f"{PREFIX}sgd_learning_rate" if sgd else f"{PREFIX}learning_rate"]
    assert trained.recipe.augment == tuple(
        name for name in ("shift", "flip", "rotate", "noise", "mixup") if point[f"{PREFIX}{name}"]
    )


def test_the_architectures_constraints_and_equal_cells_count_in_the_joint_space() -> None:
    point = JOINT.sample(random.Random(0))
    assert not JOINT.contains({**point, "width": 13})
    cells = ready_space("nasbench201", (3, 8, 8), 10)
    joint = joint_space(cells, BASE, IMAGES, 1000)
    one = joint.sample(random.Random(1))
    dead = {name: "none" for name in cells.parameters if name.startswith("op_")}
    with_dead = [one | dead | {"op_0_1": operation} for operation in ("nor_conv_3x3", "skip_connect")]
    assert joint.key(with_dead[0]) == joint.key(with_dead[1])
    warmups = {joint.key(one | {f"{PREFIX}warmup": share}) for share in (0.0, 0.05, 0.1, 0.2)}
    assert len(warmups) == 4


def test_a_joint_space_travels() -> None:
    there = pickle.loads(cloudpickle.dumps(JOINT))
    point = JOINT.sample(random.Random(3))
    assert there.architecture(point) == JOINT.architecture(point)


def test_what_the_data_cannot_take_is_not_searched() -> None:
    found = recipe_parameters(Recipe(loss="mse"), ROWS, 20)
    assert f"{PREFIX}label_smoothing" not in found
    assert not any(f"{PREFIX}{name}" in found for name in ("shift", "flip", "rotate"))
    assert found[f"{PREFIX}batch_size"]["values"] == [20]


def test_all_else_stays_as_the_given_recipe_has_it() -> None:
    base = Recipe(epochs=7, patience=3, class_weights=(1.0,) * 10)
    found = recipe_of({"width": 3, f"{PREFIX}optimizer": "sgd", f"{PREFIX}sgd_learning_rate": 0.5}, base)
    assert found == base.model_copy(update={"optimizer": "sgd", "learning_rate": 0.5})


def test_a_name_that_stands_in_both_is_refused() -> None:
    space = SearchSpace({f"{PREFIX}warmup": {"type": "bool"}})
    with pytest.raises(SpaceError, match="rename it"):
        joint_space(space, BASE, IMAGES, 100)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"evaluator_options": {"serach_recipe": True}}, "did you mean 'search_recipe'"),
        ({"evaluator_options": {"search_recipe": True}, "evaluator": "weight_sharing"}, "one recipe"),
        ({"evaluator_options": {"search_recipe": True}, "space": None, "architecture_type": "x"}, "give space="),
        ({"evaluator": len, "data": None, "evaluator_options": {}}, "go with evaluator='training'"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, Any], fault: str) -> None:
    with pytest.raises(SearchError, match=fault):
        ArchitectureSearch(**{"space": SPACE, "evaluator": "training", "data": "digits", **options})
