"""Each kind of task from data to a delivered folder: designed, certified, used, and its tests run on their own."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest

from neuromosaic.core.brief import Brief, Budget
from neuromosaic.core.errors import UsageError
from neuromosaic.core.results import Results
from neuromosaic.interfaces.use import predict
from tests.small_runs import design

DRAW = np.random.default_rng(0)
FRESH = DRAW.bit_generator.state


class Case(NamedTuple):
    """Small data for a task, the metric, and the simple baseline that the network must beat."""

    data: Callable[[], dict[str, Any]]
    task: str
    metric: str
    baseline: str
    brief: Mapping[str, Any] = MappingProxyType({})


def flowers_with_labels() -> dict[str, Any]:
    """Iris: two questions at once, whether the flower is no setosa, and whether it is large."""
    from sklearn.datasets import load_iris

    iris = load_iris()
    large = iris.data[:, 0] + iris.data[:, 2] > 10
    return {"x": iris.data, "y": np.stack([iris.target > 0, large], axis=1).astype(np.int64)}


def sunspots() -> dict[str, Any]:
    """A wave whose height and pace wander, in noise, such as the number of sunspots."""
    pace = 2 * np.pi / 11 * (1 + 0.1 * np.sin(np.arange(400) / 30))
    height = 2 + np.sin(np.arange(400) / 17)
    return {"series": height * (1 + np.sin(np.cumsum(pace))) + 0.1 * DRAW.standard_normal(400)}


def rings_stars_and_chains() -> dict[str, Any]:
    """Graphs of 6 to 9 nodes that differ in their edges alone; smaller ones are padded."""
    x, adj, y = np.zeros((150, 9, 2)), np.zeros((150, 9, 9)), DRAW.integers(0, 3, 150)
    for number, kind in enumerate(y):
        nodes = DRAW.permutation(9)[: DRAW.integers(6, 10)]
        x[number, nodes] = DRAW.standard_normal((len(nodes), 2))
        ends = np.roll(nodes, 1) if kind == 0 else np.full(len(nodes), nodes[0]) if kind == 1 else nodes[:-1]
        starts = nodes[1:] if kind == 2 else nodes
        adj[number, starts, ends] = adj[number, ends, starts] = starts != ends
    return {"x": x, "adj": adj, "y": y}


def two_camps() -> dict[str, Any]:
    """Who is on which side: each says so only vaguely, and most friends are on the same side."""
    y = DRAW.integers(0, 2, (120, 10))
    same = y[:, :, None] == y[:, None, :]
    edges = np.triu(DRAW.random((120, 10, 10)) < np.where(same, 0.7, 0.1), 1)
    x = DRAW.standard_normal((120, 10, 3)) + 0.7 * y[..., None]
    return {"x": x, "adj": (edges | edges.transpose(0, 2, 1)).astype(float), "y": y}


def series_in_three_states() -> dict[str, Any]:
    """A machine's two sensors, which tell its state only roughly; states last, and short series are padded."""
    switch = DRAW.random((150, 16)) < 0.15
    states = (np.cumsum(switch, axis=1) + DRAW.integers(0, 3, (150, 1))) % 3
    means = np.array([[0.0, 0.0], [1.5, 0.0], [0.0, 1.5]])
    x = means[states] + DRAW.standard_normal((150, 16, 2))
    beyond = np.arange(16) >= DRAW.integers(10, 17, (150, 1))
    return {"x": np.where(beyond[..., None], 0.0, x), "y": np.where(beyond, -100, states)}


def digits_in_noise() -> dict[str, Any]:
    """Which pixels of a noisy digit are ink."""
    from sklearn.datasets import load_digits

    images = load_digits().images[:200]
    return {"x": images + 4 * DRAW.standard_normal(images.shape), "y": (images > 8).astype(np.int64)}


def ellipses() -> dict[str, Any]:
    """Eight numbers that two hidden ones decide, without labels: what a code of two can hold."""
    angle, size = 2 * np.pi * DRAW.random(400), 1 + DRAW.random(400)
    waves = [size * np.cos(angle), size * np.sin(angle), size**2, np.cos(2 * angle), np.sin(2 * angle)]
    return {"x": np.stack([*waves, *(np.abs(wave) for wave in waves[:3])], axis=1)}


def circles() -> dict[str, Any]:
    """Points on two circles, in noise: far from normal."""
    angle, size = 2 * np.pi * DRAW.random(500), 1 + DRAW.integers(0, 2, 500)
    return {"x": size[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1) + 0.05 * DRAW.standard_normal((500, 2))}


def clusters() -> dict[str, Any]:
    """Points in two places far from one another: no normal distribution is like that."""
    where = np.where(DRAW.random(500) < 0.5, -3.0, 3.0)[:, None]
    return {"x": where + 0.3 * DRAW.standard_normal((500, 2))}


def rings() -> dict[str, Any]:
    """Three rings within one another, in noise dimensions: neighbours by the inputs are of all classes."""
    y, angle = DRAW.integers(0, 3, 300), 2 * np.pi * DRAW.random(300)
    ring = (1 + y)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return {"x": np.concatenate([ring, DRAW.standard_normal((300, 6))], axis=1), "y": y}


CASES = {
    "metric_learning": Case(
        rings,
        "metric_learning",
        "recall_at_1",
        "inputs",
        {"sentence": "a 4-dimensional embedding"},
    ),
    "generation": Case(
        ellipses,
        "generation",
        "reconstruction_rmse",
        "pca",
        {"sentence": "a generative model with a latent of 2"},
    ),
    "flow": Case(
        circles,
        "generation",
        "negative_log_likelihood",
        "gaussian",
        {"sentence": "density estimation with a normalising flow"},
    ),
    "diffusion": Case(
        ellipses,
        "generation",
        "negative_log_likelihood",
        "gaussian",
        {"sentence": "a diffusion model"},
    ),
    "gan": Case(
        clusters,
        "generation",
        "energy_distance",
        "pca",
        {"sentence": "a GAN with a latent of 2"},
    ),
    "autoregressive": Case(
        circles,
        "generation",
        "negative_log_likelihood",
        "gaussian",
        {"sentence": "an autoregressive density"},
    ),
    "forecasting": Case(
        sunspots,
        "forecasting",
        "mae",
        "seasonal_naive",
        {"sentence": "forecast the next 4 steps from the last 24 steps"},
    ),
    "graph_classification": Case(rings_stars_and_chains, "classification", "accuracy", "linear"),
    "node_classification": Case(two_camps, "node_classification", "accuracy", "linear"),
    "sequence_labelling": Case(series_in_three_states, "sequence_labelling", "accuracy", "majority"),
    "segmentation": Case(digits_in_noise, "segmentation", "mean_iou", "majority"),
    "multi_label": Case(flowers_with_labels, "multi_label", "mean_average_precision", "frequencies"),
}


def designed(root: Path, case: Case) -> Results:
    DRAW.bit_generator.state = FRESH  # whichever cases came before
    np.savez(root / "data.npz", **case.data())
    known = {"data": str(root / "data.npz"), "budget": Budget(trials=1), **case.brief}
    return design(root, Brief.model_validate(known))


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", CASES)
def test_a_network_is_designed_delivered_and_used(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = CASES[name]
    results = designed(tmp_path, case)
    winner = results.winner
    assert winner is not None
    assert (results.brief.task, results.metric) == (case.task, case.metric)
    key = f"test_{case.metric}"
    low, high = winner.intervals[key]
    assert low <= winner.metrics[key] <= high
    assert _better(case.metric, winner.metrics[key], results.baselines[case.baseline][key])
    capsys.readouterr()
    predict(tmp_path / "out", str(tmp_path / "data.npz"), None, as_json=True)
    rows = json.loads(capsys.readouterr().out)
    assert rows
    assert all("prediction" in row for row in rows)
    _its_tests_and_its_usage_run_alone(tmp_path / "out", tmp_path / "alone")


def _better(metric: str, one: float, other: float) -> bool:
    from neuromosaic.core.evaluation.metrics import is_better

    return is_better(metric, one, other)


def _its_tests_and_its_usage_run_alone(folder: Path, place: Path) -> None:
    """In a copy of the folder, without this package."""
    import shutil

    shutil.copytree(folder, place)
    card = (place / "card.md").read_text(encoding="utf-8")
    snippet = card.split("```python\n")[1].split("```")[0]
    for command in (["-m", "pytest", "-q", "-p", "no:cacheprovider", "test_model.py"], ["-c", snippet]):
        done = subprocess.run(
            [sys.executable, *command],
            cwd=place,
            capture_output=True,
            text=True,
            env={"PATH": "/usr/bin"},
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_metric_that_does_not_fit_the_task_is_refused_before_anything_is_designed(tmp_path: Path) -> None:
    asked = {"data": "diabetes", "constraints": {"metrics": {"accuracy": 0.9}}, "budget": {"trials": 1}}
    with pytest.raises(UsageError, match="'accuracy' is no metric of regression"):
        design(tmp_path, Brief.model_validate(asked))
