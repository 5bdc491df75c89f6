"""A class at each position: against scikit-learn and PyTorch; padding counts nowhere."""

from typing import Literal

import numpy as np
import pytest
import torch
from sklearn import metrics as reference

from neuromosaic.core.brief import Contract, TensorSpec
from neuromosaic.core.evaluation.baselines import fit_baseline
from neuromosaic.core.evaluation.intervals import interval
from neuromosaic.core.evaluation.losses import loss_function
from neuromosaic.core.evaluation.metrics import Array, available, score
from neuromosaic.core.evaluation.positions import flat
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.suitable import augmentations_for, check_recipe

DRAW = np.random.default_rng(0)
ByPosition = Literal["sequence_labelling", "segmentation"]
CONTRACTS: dict[ByPosition, Contract] = {
    "sequence_labelling": Contract(
        task="sequence_labelling", kind="sequence", input=TensorSpec(shape=(6, 2)), output=TensorSpec(shape=(6, 3))
    ),
    "segmentation": Contract(
        task="segmentation", kind="image", input=TensorSpec(shape=(2, 4, 5)), output=TensorSpec(shape=(3, 4, 5))
    ),
}
each_task = pytest.mark.parametrize("task", CONTRACTS)


def drawn(task: ByPosition, examples: int = 30) -> tuple[Array, Array]:
    """Outputs that are right more often than not, and targets of which some do not count."""
    positions = (6,) if task == "sequence_labelling" else (4, 5)
    targets = DRAW.integers(0, 3, (examples, *positions))
    scores = DRAW.standard_normal((*targets.shape, 3)) + 1.5 * np.eye(3)[targets]
    targets[DRAW.random(targets.shape) < 0.3] = -100
    return (np.moveaxis(scores, -1, 1) if task == "segmentation" else scores).astype(np.float32), targets


@each_task
def test_the_figures_are_those_of_scikit_learn(task: ByPosition) -> None:
    outputs, targets = drawn(task)
    scores, ids, _ = flat(outputs, targets)
    said = scores.argmax(axis=1)
    found = score(task, outputs, targets, available(task))
    accuracy = found["pixel_accuracy" if task == "segmentation" else "accuracy"]
    assert accuracy == pytest.approx(reference.accuracy_score(ids, said))
    assert found["macro_f1"] == pytest.approx(reference.f1_score(ids, said, average="macro"))
    if task == "segmentation":
        assert found["mean_iou"] == pytest.approx(reference.jaccard_score(ids, said, average="macro"))


@each_task
def test_the_loss_of_training_is_the_loss_that_is_reported(task: ByPosition) -> None:
    outputs, targets = drawn(task)
    trained = loss_function(Recipe(), torch.device("cpu"))(torch.from_numpy(outputs), torch.from_numpy(targets))
    assert score(task, outputs, targets, ())["loss"] == pytest.approx(trained.item(), rel=1e-5)


@each_task
def test_what_stands_at_ignored_positions_changes_nothing(task: ByPosition) -> None:
    outputs, targets = drawn(task)
    last = np.moveaxis(outputs, 1, -1) if task == "segmentation" else outputs
    other = last.copy()
    other[targets == -100] = 7.0
    changed = np.moveaxis(other, -1, 1) if task == "segmentation" else other
    assert score(task, changed, targets, available(task)) == score(task, outputs, targets, available(task))


@each_task
@pytest.mark.parametrize("place", [0, 1])
def test_an_interval_holds_the_metric(task: ByPosition, place: int) -> None:
    outputs, targets = drawn(task)
    name = available(task)[place]
    low, high = interval(task, name, outputs, targets)
    assert low < score(task, outputs, targets, [name])[name] < high


@each_task
def test_baselines_answer_in_a_networks_form(task: ByPosition) -> None:
    contract = CONTRACTS[task]
    _, targets = drawn(task)
    x = DRAW.standard_normal((30, *contract.input.shape)).astype(np.float32)
    values = x[:, 0] if task == "segmentation" else x[..., 0]
    targets = np.where(targets == -100, -100, (values > 0).astype(np.int64))
    found = fit_baseline(contract, x, targets, seed=0)
    name = available(task)[0]
    figures = {key: score(task, predict(x), targets, [name])[name] for key, predict in found.items()}
    assert figures["linear"] > 0.9 > figures["majority"]
    assert all(predict(x).shape == (30, *contract.output.shape) for predict in found.values())


def test_pixels_are_not_moved_without_their_classes() -> None:
    assert augmentations_for(CONTRACTS["segmentation"]) == ("noise", "mixup")
    check_recipe(Recipe(class_weights=(1.0, 2.0, 3.0)), CONTRACTS["segmentation"])
