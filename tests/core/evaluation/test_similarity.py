"""Metric learning: classes by the nearest neighbour, trained by angles."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from neuromosaic.core.brief import Brief, TensorSpec
from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation import similarity
from neuromosaic.core.evaluation.baselines import fit_baseline
from neuromosaic.core.evaluation.data import load_dataset
from neuromosaic.core.evaluation.intervals import interval
from neuromosaic.core.evaluation.losses import contrastive, loss_function, triplet
from neuromosaic.core.evaluation.metrics import score
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.similarity import METRICS, nearest
from neuromosaic.core.evaluation.suitable import augmentations_for
from neuromosaic.core.evaluation.training import predict, train

NAMES = ("recall_at_1", "knn_accuracy")
CLASSES = np.array([0, 0, 1, 1, 2, 2])
APART = np.repeat(np.eye(3), 2, axis=0) + np.random.default_rng(0).normal(0, 0.01, (6, 3))


def test_examples_near_their_class_are_recalled() -> None:
    found = score("metric_learning", APART.astype(np.float32), CLASSES, NAMES)
    assert found["recall_at_1"] == 1.0
    assert found["loss"] < 0.1


def test_nobody_is_his_own_neighbour_and_length_is_no_matter() -> None:
    one, other = nearest(APART, 1), nearest(APART * np.arange(1, 7)[:, None], 1)
    assert np.array_equal(one, other)
    assert (one[:, 0] != np.arange(6)).all()


def test_many_examples_are_compared_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(1)
    outputs, targets = draw.standard_normal((23, 4)), draw.integers(0, 3, 23)
    neighbours, at_once = nearest(outputs, 3), {name: of(outputs, targets) for name, of in METRICS.items()}
    monkeypatch.setattr(similarity, "BLOCK", 5 * 23)
    assert (nearest(outputs, 3) == neighbours).all()
    assert {name: of(outputs, targets) for name, of in METRICS.items()} == pytest.approx(at_once, abs=1e-12)


def test_votes_are_of_the_nearest_five() -> None:
    outputs = np.array(
        [[1.0, 0.01 * place] for place in range(6)] + [[0.0, 1.0 + 0.01 * place] for place in range(6)]
    )
    targets = np.array([0, 0, 1, 0, 0, 0] + [1] * 6)
    assert METRICS["knn_accuracy"](outputs, targets) == pytest.approx(11 / 12)


def test_the_held_out_loss_is_that_of_training() -> None:
    draw = np.random.default_rng(1)
    outputs, targets = draw.standard_normal((20, 4)).astype(np.float32), draw.integers(0, 3, 20)
    trained = contrastive(torch.from_numpy(outputs), torch.from_numpy(targets))
    assert METRICS["loss"](outputs, targets) == pytest.approx(float(trained), rel=1e-4)


@pytest.mark.parametrize("loss", [contrastive, triplet])
def test_a_loss_is_lower_where_classes_are_apart(loss: Any) -> None:
    targets = torch.from_numpy(CLASSES)
    apart, mixed = torch.from_numpy(APART).float(), torch.from_numpy(APART[[0, 2, 1, 4, 3, 5]]).float()
    assert loss(apart, targets) < loss(mixed, targets)


@pytest.mark.parametrize("loss", [contrastive, triplet])
@pytest.mark.parametrize("targets", [[0, 0, 0], [0, 1, 2]])
def test_a_batch_without_pairs_or_without_others_has_finite_gradients(loss: Any, targets: list[int]) -> None:
    outputs = torch.randn(3, 4, requires_grad=True)
    loss(outputs, torch.tensor(targets)).backward()
    assert outputs.grad is not None
    assert outputs.grad.isfinite().all()


@pytest.mark.parametrize("name", ["contrastive", "triplet"])
def test_training_beats_the_pixels(name: Any) -> None:
    data = load_dataset(Brief(data="digits", task="metric_learning", output=TensorSpec(shape=(8,))))
    assert data.contract.output.shape == (8,)
    torch.manual_seed(0)
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 8))
    x, y, held = torch.from_numpy(data.train.x), torch.from_numpy(data.train.y), data.validation
    recipe = Recipe(loss=name, epochs=8, batch_size=64, learning_rate=5e-3)
    train(
        module, x, y, recipe, fidelity=1, seed=0, device="cpu",
        validation_x=x[:2], contract=data.contract, report=lambda *_: (False, False),
    )  # fmt: skip
    outputs = predict(module, torch.from_numpy(held.x)).numpy()
    found = score("metric_learning", outputs, held.y, NAMES)["recall_at_1"]
    baselines = {
        one: score("metric_learning", fitted(held.x), held.y, NAMES)["recall_at_1"]
        for one, fitted in fit_baseline(data.contract, data.train.x, data.train.y, seed=0).items()
    }
    assert set(baselines) == {"inputs", "pca"}
    assert found > baselines["pca"] - 0.03
    low, high = interval("metric_learning", "recall_at_1", outputs, held.y)
    assert low <= found <= high
    assert loss_function(Recipe(loss=name), torch.device("cpu")) in (contrastive, triplet)


def test_blending_examples_is_no_augmentation() -> None:
    data = load_dataset(Brief(data="digits", task="metric_learning"))
    assert data.contract.output.shape == (16,)
    assert "mixup" not in augmentations_for(data.contract)
    assert data.preprocessing.classes == tuple(range(10))


@pytest.mark.parametrize(
    ("y", "fault"), [(np.zeros(40, int), "at least two classes"), (np.random.rand(40), "no whole numbers")]
)
def test_labels_must_be_classes(tmp_path: Any, y: Any, fault: str) -> None:
    np.savez(tmp_path / "data.npz", x=np.random.rand(40, 5), y=y)
    with pytest.raises(DataError, match=fault):
        load_dataset(Brief(data=str(tmp_path / "data.npz"), task="metric_learning"))
