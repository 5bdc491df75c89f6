"""Weight sharing and DARTS on small spaces, on the digits, against every network of them trained alone.

"cells": all 205 networks of a cell of three edges and six operations in NAS-Bench-201's skeleton of two stages, 8 and
16 channels; nearly equal ones. "chains": all 216 of one to three blocks of a convolution, a batch norm, an activation
and a pooling, by width, kernel, activation and pooling; good and poor ones. Half of the 1,797 digits train, the other
half score. What a network is worth is its mean over the seeds with which it was trained alone. Seconds are of
processor time. `--keep FILE` writes trainings alone down, seed by seed, in FILE-cells and FILE-chains, and goes on
from there.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import kendalltau
from sklearn.datasets import load_digits
from torch import Tensor

from neuromosaic.core.architecture.spec import ArchitectureSpec, Input
from neuromosaic.core.brief import Contract, TensorSpec
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.sharing.differentiable import search_differentiably
from neuromosaic.core.evaluation.sharing.supernet import Supernet, train_supernet
from neuromosaic.core.evaluation.training import predict, train
from neuromosaic.core.space.cells.layout import CellLayout
from neuromosaic.core.space.cells.spaces import CellSpace
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.ready.cells import summing_cells
from neuromosaic.core.space.space import SearchSpace

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3", "max_pool_3x3")
DIGITS = Contract(
    task="classification", input=TensorSpec(shape=(1, 8, 8)), output=TensorSpec(shape=(10,)), kind="image"
)
ALONE = Recipe(epochs=20, batch_size=64, learning_rate=1e-2)
SHARED = {
    "cells": Recipe(epochs=140, batch_size=32, learning_rate=4e-3),
    "chains": Recipe(epochs=170, batch_size=64, learning_rate=4e-3),
}
SEARCHED = Recipe(epochs=20, batch_size=32, learning_rate=5e-2)
ALONE_SEEDS, SHARED_SEEDS, SEARCH_SEEDS = {"cells": 3, "chains": 2}, 3, 5


def small_space() -> CellSpace:
    return summing_cells(CellLayout(OPERATIONS, nodes=2), (Input("x", (1, 8, 8)),), 10, width=8, cells=1, stages=2)


def chains() -> SearchSpace:
    return SearchSpace(
        {
            "blocks": {"type": "int", "min": 1, "max": 3},
            "width": {"type": "ordinal", "values": [2, 4, 8, 16]},
            "kernel": {"type": "categorical", "values": [1, 3, 5]},
            "activation": {"type": "categorical", "values": ["relu", "tanh", "silu"]},
            "pool": {"type": "categorical", "values": ["max_pool", "avg_pool"]},
        },
        build=_chain,
    )


def _chain(point: Point) -> ArchitectureSpec:
    block = (
        ("conv", {"channels": point["width"], "kernel": point["kernel"]}), ("batch_norm", {}),
        (point["activation"], {}), (point["pool"], {"kernel": 2, "stride": 2}),
    )  # fmt: skip
    return ArchitectureSpec.chain(
        (1, 8, 8), *(point["blocks"] * block), ("flatten", {}), ("linear", {"features": 10})
    )


class Data:
    """Standardised digits: `x`, `y` to train on, `held_x`, `held_y` to score."""

    def __init__(self) -> None:
        bunch = load_digits()
        order = np.random.default_rng(0).permutation(len(bunch.target))
        x = torch.from_numpy(bunch.images[order, None].astype(np.float32))
        x, y = (x - x.mean()) / x.std(), torch.from_numpy(bunch.target[order].astype(np.int64))
        half = len(x) // 2
        self.x, self.y, self.held_x, self.held_y = x[:half], y[:half], x[half:], y[half:]

    def accuracy(self, outputs: Tensor) -> float:
        return float((outputs.argmax(1) == self.held_y).float().mean())


def alone(space: SearchSpace, point: Point, data: Data, seed: int) -> float:
    """Accuracy of one network, trained by the loop that trains every candidate."""
    torch.manual_seed(seed)
    module = space.architecture(point).to_model()
    train(
        module, data.x, data.y, ALONE, fidelity=1, seed=seed, device="cpu", validation_x=data.held_x[:2],
        contract=DIGITS, report=lambda *_: (False, False),
    )  # fmt: skip
    return data.accuracy(predict(module, data.held_x))


def all_alone(name: str, space: SearchSpace, points: list[Point], data: Data, kept: Path | None) -> dict[str, Any]:
    """Accuracies [seeds, networks], and the seconds that all of them took, by seed."""
    file = kept and kept.with_name(f"{kept.name}-{name}")
    known = json.loads(file.read_text()) if file and file.exists() else {"accuracies": [], "seconds": []}
    found: dict[str, Any] = known
    for seed in range(len(found["accuracies"]), ALONE_SEEDS[name]):
        began = time.process_time()
        found["accuracies"].append([alone(space, point, data, seed) for point in points])
        found["seconds"].append(time.process_time() - began)
        if file:
            file.write_text(json.dumps(found))
    return found


def shared(name: str, space: SearchSpace, points: list[Point], data: Data, seed: int) -> tuple[list[float], float]:
    """Accuracies of all networks with the supernet's weights, and the seconds for training it and scoring them."""
    began = time.process_time()
    supernet = Supernet(space, seed)
    train_supernet(supernet, data.x, data.y, SHARED[name], DIGITS, seed=seed)
    scores = [data.accuracy(supernet.outputs(point, data.x[:256], data.held_x)) for point in points]
    return scores, time.process_time() - began


def sharing(kept: Path | None) -> Iterator[dict[str, Any]]:
    """For each space a row for its networks alone and one for each supernet; then one for each search of cells."""
    data, cells = Data(), small_space()
    for name, space in {"chains": chains(), "cells": cells}.items():
        points = list(space.enumerate())
        known = all_alone(name, space, points, data, kept)
        accuracies, seconds = np.array(known["accuracies"]), float(np.mean(known["seconds"]))
        truth = accuracies.mean(0)
        yield _head(name, accuracies, seconds)
        for seed in range(SHARED_SEEDS):
            yield _shared_row(name, space, points, data, seed, truth, seconds)
    for order in (1, 2):
        for seed in range(SEARCH_SEEDS):
            yield _searched_row(cells, points, data, seed, order, truth)


def _head(name: str, accuracies: NDArray[Any], seconds: float) -> dict[str, Any]:
    """What there is to be told apart, and how far training itself does: one training of each network in full (all of
    the computing) against the mean of the others, for a supernet is held against the mean of all."""
    truth, seeds = accuracies.mean(0), range(len(accuracies))
    others = [np.delete(accuracies, seed, axis=0).mean(0) for seed in seeds]
    within = accuracies.var(0, ddof=1).mean()
    return {
        "task": "alone", "space": name, "networks": len(truth),
        "seeds": len(seeds), "seconds_a_seed": round(seconds, 1),
        "kendall_of_one_training_with_the_mean_of_the_others": [
            round(float(kendalltau(accuracies[seed], others[seed]).statistic), 3) for seed in seeds
        ],
        "deviation_between_networks": round(float(np.sqrt(max(0.0, truth.var() - within / len(seeds)))), 4),
        "deviation_between_seeds": round(float(np.sqrt(within)), 4),
        "best": round(float(truth.max()), 4), "median": round(float(np.median(truth)), 4),
        "best_of_one_seed": round(float(accuracies.max()), 4),
    }  # fmt: skip


def _shared_row(
    name: str, space: SearchSpace, points: list[Point], data: Data, seed: int, truth: NDArray[Any],
    seconds_alone: float,
) -> dict[str, Any]:  # fmt: skip
    scores, seconds = shared(name, space, points, data, seed)
    return {
        "task": "sharing", "space": name, "seed": seed,
        "kendall": round(float(kendalltau(scores, truth).statistic), 3),
        "spearman": round(float(np.corrcoef(np.argsort(np.argsort(scores)), np.argsort(np.argsort(truth)))[0, 1]), 3),
        "share_of_computing": round(seconds / seconds_alone, 4),
        "best_of_its_top_ten": round(float(truth[np.argsort(scores)[-10:]].max()), 4),
    }  # fmt: skip


def _searched_row(
    space: CellSpace, points: list[Point], data: Data, seed: int, order: Any, truth: NDArray[Any]
) -> dict[str, Any]:
    began = time.process_time()
    found = search_differentiably(space, data.x, data.y, SEARCHED, seed=seed, order=order)
    seconds = time.process_time() - began
    by_key = {space.key(point): number for number, point in enumerate(points)}
    reached = truth[by_key[space.key(found.point)]]
    return {
        "task": "darts", "order": order, "seed": seed, "accuracy": round(float(reached), 4),
        "below_best": round(float(truth.max() - reached), 4), "skips": round(found.skips, 2),
        "collapsed": found.collapsed, "seconds": round(seconds, 1), "cell": list(found.point.values()),
    }  # fmt: skip
