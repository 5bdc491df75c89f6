from typing import Any

import pytest

from neuromosaic.core.brief import Contract, TensorSpec
from neuromosaic.core.errors import UsageError
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.suitable import augmentations_for, check_recipe, losses_for

TEXT = Contract(
    task="language_modelling",
    input=TensorSpec(shape=(8,), dtype="int64", upper=5),
    output=TensorSpec(shape=(8, 5)),
    kind="text",
)
TABLE = Contract(task="regression", input=TensorSpec(shape=(3,)), output=TensorSpec(shape=(1,)), kind="tabular")


def test_what_fits_is_told(image_contract: Contract) -> None:
    assert augmentations_for(image_contract) == ("shift", "flip", "rotate", "noise", "mixup")
    assert augmentations_for(TABLE) == ("noise", "mixup")
    assert augmentations_for(TEXT) == ()
    assert losses_for(TABLE) == ("mse", "huber")
    assert losses_for(TEXT) == losses_for(image_contract) == ("cross_entropy",)


def test_what_fits_passes(image_contract: Contract) -> None:
    check_recipe(Recipe(augment=("shift", "mixup"), class_weights=(1.0,) * 10), image_contract)
    check_recipe(Recipe(loss="huber", augment=("noise",)), TABLE)
    check_recipe(Recipe(), TEXT)


@pytest.mark.parametrize(
    ("contract", "recipe", "message"),
    [
        (TABLE, {}, "loss: 'cross_entropy' cannot train regression; use one of mse, huber"),
        (TEXT, {"loss": "mse"}, "loss: 'mse' cannot train language_modelling"),
        (
            TABLE,
            {"loss": "mse", "augment": ("rotate",)},
            "'rotate' does not fit tabular inputs; what fits: noise, mixup",
        ),
        (TEXT, {"augment": ("noise",)}, "what fits: none"),
        (TEXT, {"class_weights": (1.0, 2.0)}, "class_weights: 2 given; cross_entropy over 5 classes takes 5"),
        (TABLE, {"loss": "mse", "class_weights": (1.0,)}, "class_weights"),
    ],
)
def test_what_does_not_fit_is_named(contract: Contract, recipe: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_recipe(Recipe(**recipe), contract)
