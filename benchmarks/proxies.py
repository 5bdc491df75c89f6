"""Zero-cost proxies of 300 random NAS-Bench-201 cells, rebuilt in PyTorch, against the tables' accuracies.

    python benchmarks/evaluation.py proxies --tables FOLDER     # or NEUROMOSAIC_BENCH_DATA: nasbench201/ and mnist/

Networks have one cell a stage, images are 16x16 of three channels, a batch holds 32: a fifth of the benchmark's
depth and a quarter of its pixels. Prints a JSON line per input ("noise", "mnist") and table: Spearman's correlation
with the validation accuracy after 200 epochs, of each proxy, and of ensembles that were fitted to the stated number
of measured cells (0: the mean of ranks of fixed proxies) and are scored on all other cells; means over ten draws.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (its usual name)
from cells import network
from evaluation import mnist
from numpy.typing import NDArray
from torch import Tensor

from neuromosaic.core.evaluation.learners import LEARNERS
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.signals import SignalEnsemble, Signals, mean_rank, spearman, worth
from neuromosaic.core.graph.export import export_module
from neuromosaic.core.graph.tensors import from_torch
from neuromosaic.core.judge.process import ProcessJudge
from neuromosaic.core.protocols import Job

CELLS, BATCH, SIDE = 1, 32, 16
DRAWS = 10
TRAINING_FREE = ("synflow", "naswot", "jacob_cov", "zico")  # fixed beforehand, not chosen by these tables
Array = NDArray[Any]
Found = dict[str, dict[str, float]]


def inputs(data: Path) -> dict[str, tuple[Tensor, Tensor]]:
    """CIFAR-like batches: Gaussian noise with drawn labels, and digits on three channels with theirs."""
    draw = torch.Generator().manual_seed(0)
    noise = torch.randn(BATCH, 3, SIDE, SIDE, generator=draw), torch.randint(10, (BATCH,), generator=draw)
    x, y = mnist(data)
    digits = F.interpolate(x[:BATCH], size=SIDE, mode="bilinear").expand(-1, 3, -1, -1).contiguous()
    return {"noise": noise, "mnist": (digits, y[:BATCH])}


def measured(judge: ProcessJudge, operations: list[str], batches: dict[str, tuple[Tensor, Tensor]]) -> Found:
    """The proxies of one cell by input, by the judge."""
    (example, _) = next(iter(batches.values()))
    graph = export_module(network(operations, CELLS, seed=0), (example[:2],))
    arguments = {"recipe": Recipe().model_dump(mode="json"), "seed": 0}
    return {
        name: judge.run(Job("proxies", graph, arguments, {"x": from_torch(x), "y": from_torch(y)})).body["proxies"]
        for name, (x, y) in batches.items()
    }


def scores(signals: list[Signals], accuracy: Array, fitted: list[int]) -> dict[str, Any]:
    """Spearman of each proxy over all cells; of ensembles over the cells that they were not fitted to."""
    values = accuracy.tolist()
    names = sorted(set().union(*signals))
    alone = {name: worth(column(signals, name), values).correlation for name in names}
    free = [name for name in TRAINING_FREE if name in names]
    learnt = {str(count): learnt_ensemble(signals, accuracy, count) for count in fitted if count < len(values)}
    return {
        "cells": len(values), "alone": {name: round(value, 3) for name, value in alone.items()},
        "mean_rank": round(spearman(mean_rank(signals, free).tolist(), values), 3),
        "spearman_and_coverage_by_measured_cells": learnt,
    }  # fmt: skip


def learnt_ensemble(signals: list[Signals], accuracy: Array, count: int) -> dict[str, Any]:
    """Of the trees, the Gaussian process and whichever the ensemble chooses: Spearman, and the share of cells that
    lie within 1.64 deviations (.9 where these are honest); means over ten draws of the cells to fit."""
    ways = {**{name: (name,) for name in LEARNERS}, "chosen": tuple(LEARNERS)}
    found = {way: [_fitted(signals, accuracy, count, seed, ways[way]) for seed in range(DRAWS)] for way in ways}
    return {way: [round(float(mean), 3) for mean in np.mean(rows, axis=0)] for way, rows in found.items()}


def _fitted(
    signals: list[Signals], accuracy: Array, count: int, seed: int, learners: tuple[str, ...]
) -> tuple[float, float]:
    order = np.random.default_rng(seed).permutation(len(accuracy))
    fit, rest = order[:count], order[count:]
    ensemble = SignalEnsemble([signals[i] for i in fit], accuracy[fit].tolist(), learners)
    predicted = ensemble.predict([signals[i] for i in rest])
    within = np.abs(predicted.mean - accuracy[rest]) <= 1.64 * predicted.deviation
    return spearman(predicted.mean.tolist(), accuracy[rest].tolist()), float(within.mean())


def column(signals: list[Signals], name: str) -> list[float]:
    """What could not be computed counts as the lowest."""
    lowest = min(one[name] for one in signals if name in one)
    return [one.get(name, lowest) for one in signals]


def proxies(tables: Path, count: int, jobs: int, fitted: list[int]) -> Iterator[dict[str, Any]]:
    """A row per input and table, of `count` random cells."""
    table = np.load(tables / "nasbench201" / "nasbench201_cifar.npz")
    rows = np.random.default_rng(0).permutation(len(table["ops"]))[:count]
    cells = [[str(table["op_names"][code]) for code in table["ops"][row]] for row in rows]
    batches, judge = inputs(tables), ProcessJudge(jobs)
    with ThreadPoolExecutor(jobs) as pool:
        found = list(pool.map(lambda operations: measured(judge, operations, batches), cells))
    judge.close()
    for name in batches:
        for place, dataset in enumerate(table["datasets"]):
            accuracy = np.nanmean(table["val_acc_200_seeds"][place, rows], axis=1)
            figures = scores([one[name] for one in found], accuracy, fitted)
            yield {"task": "proxies", "input": name, "table": str(dataset), **figures}
