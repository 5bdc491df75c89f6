"""What a generative network makes, as the report shows it."""

import numpy as np

from neuromosaic.core.brief import Generative
from neuromosaic.core.evaluation.data.inputs import ImageInputs, Scaling, TabularInputs
from neuromosaic.core.evaluation.data.preprocessing import Preprocessing
from neuromosaic.core.evaluation.data.raw import Table
from neuromosaic.core.evaluation.data.targets import ItselfTargets
from neuromosaic.delivery.contents import Predictions
from neuromosaic.delivery.mistakes import _BY_TASK
from neuromosaic.delivery.plots.generation import picture_grid, terms_curve

DRAW = np.random.default_rng(0)


def shown(inputs: ImageInputs | TabularInputs, generative: Generative = "autoencoder", parts: int = 2) -> str:
    shape = inputs.spec.shape
    targets = ItselfTargets(shape=shape, latent=2, generative=generative)
    known = Preprocessing(task="generation", inputs=inputs, targets=targets)
    found = Predictions(DRAW.standard_normal((30, parts, *shape)), DRAW.standard_normal((30, *shape)))
    made = _BY_TASK["generation"](found, known)
    assert made.title == "Draws"
    return str([made.plots, made.tables])


def test_images_are_drawn_beside_held_out_ones() -> None:
    scaling = Scaling(mean=(8.0,), std=(4.0,), low=(0.0,), high=(16.0,))
    page = shown(ImageInputs(layout="hw", shape=(1, 8, 8), scaling=scaling))
    assert "held-out examples" in page
    assert "come back from their codes" in page
    assert page.count("<image") == 3


def test_of_a_pair_nothing_comes_back() -> None:
    scaling = Scaling(mean=(8.0,), std=(4.0,), low=(0.0,), high=(16.0,))
    page = shown(ImageInputs(layout="hw", shape=(1, 8, 8), scaling=scaling), "gan", parts=1)
    assert "come back" not in page
    assert page.count("<image") == 2


def test_rows_are_shown_by_mean_and_spread() -> None:
    table = Table.of_numbers(10 + DRAW.standard_normal((50, 3)), ["one", "two", "three"])
    page = shown(TabularInputs.fit(table, ()))
    assert "Mean and spread" in page
    assert "three" in page


def test_colours_come_from_three_channels() -> None:
    svg = picture_grid([("a", DRAW.random((5, 3, 4, 6))), ("b", DRAW.random((40, 3, 4, 6)))], 0.0, 1.0, "grid")
    assert svg.startswith("<svg")
    assert svg.count("<image") == 2


def test_declared_terms_are_drawn_by_name() -> None:
    rows = [{"epoch": 1.0, "train_loss": 2.0, "train_kl": 0.5}, {"epoch": 2.0, "train_loss": 1.0, "train_kl": 0.4}]
    assert ">kl<" in terms_curve(rows, "terms")
    assert terms_curve([{"epoch": 1.0, "train_loss": 2.0}], "terms") == ""


def test_what_is_drawn_value_after_value_tells_how_many_passes_that_took() -> None:
    scaling = Scaling(mean=(8.0,), std=(4.0,), low=(0.0,), high=(16.0,))
    page = shown(ImageInputs(layout="hw", shape=(1, 8, 8), scaling=scaling), "autoregressive", parts=3)
    assert "each value as it was expected from those before it" in page
    assert "A draw takes 64 passes, one for each value" in page
