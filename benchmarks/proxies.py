"""Zero-cost proxies of 300 random NAS-Bench-201 cells, rebuilt in PyTorch, against the tables' accuracies.

    python benchmarks/evaluation.py proxies --tables FOLDER     # or NEUROMOSAIC_BENCH_DATA: nasbench201/ and mnist/

Networks have one cell a stage, images are 16x16 of three channels, a batch holds 32: a fifth of the benchmark's
depth and a quarter of its pixels. Prints a JSON line per input ("noise", "mnist") and table: Spearman's correlation
with the validation accuracy after 200 epochs, of each proxy and of each number that paths and operations give
(`wiring.structure`), and of what was fitted to the stated number of measured cells (0: the mean of ranks of fixed
proxies) and is scored on all other cells; means over ten draws, two of graph networks. `--keep
FILE` writes signals and wiring of the cells down, and goes on from there.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (its usual name)
from cells import network
from networks import mnist
from numpy.typing import NDArray
from torch import Tensor

from neuromosaic.core.evaluation.graph_network import GraphNetworks
from neuromosaic.core.evaluation.learners import LEARNERS
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.signals import Predicted, SignalEnsemble, Signals, mean_rank, spearman, worth
from neuromosaic.core.evaluation.wiring import Operation, structure, wiring
from neuromosaic.core.graph.export import export_module
from neuromosaic.core.graph.tensors import from_torch
from neuromosaic.core.judge.process import ProcessJudge
from neuromosaic.core.protocols import Job

CELLS, BATCH, SIDE = 1, 32, 16
DRAWS = 10
DRAWS_OF = {"graph network": 2, "trees, with paths and graph network": 2}  # which take seconds to fit
TRAINING_FREE = ("synflow", "naswot", "jacob_cov", "zico")  # fixed beforehand, not chosen by these tables
Array = NDArray[Any]
Found = dict[str, dict[str, float]]
Cell = tuple[Found, list[Operation]]


def inputs(data: Path) -> dict[str, tuple[Tensor, Tensor]]:
    """CIFAR-like batches: Gaussian noise with drawn labels, and digits on three channels with theirs."""
    draw = torch.Generator().manual_seed(0)
    noise = torch.randn(BATCH, 3, SIDE, SIDE, generator=draw), torch.randint(10, (BATCH,), generator=draw)
    x, y = mnist(data)
    digits = F.interpolate(x[:BATCH], size=SIDE, mode="bilinear").expand(-1, 3, -1, -1).contiguous()
    return {"noise": noise, "mnist": (digits, y[:BATCH])}


def measured(judge: ProcessJudge, operations: list[str], batches: dict[str, tuple[Tensor, Tensor]]) -> Cell:
    """The proxies of one cell by input, by the judge, and its wiring."""
    (example, _) = next(iter(batches.values()))
    graph = export_module(network(operations, CELLS, seed=0), (example[:2],))
    arguments = {"recipe": Recipe().model_dump(mode="json"), "seed": 0}
    found = {
        name: judge.run(Job("proxies", graph, arguments, {"x": from_torch(x), "y": from_torch(y)})).body["proxies"]
        for name, (x, y) in batches.items()
    }
    return found, wiring(graph)


def scores(
    signals: list[Signals], networks: list[list[Operation]], accuracy: Array, fitted: list[int]
) -> dict[str, Any]:
    """Spearman of each proxy over all cells; of ensembles over the cells that they were not fitted to."""
    values = accuracy.tolist()
    every = [{**one, **structure(network)} for one, network in zip(signals, networks, strict=True)]
    names = sorted(set().union(*every))
    alone = {name: worth(column(every, name), values).correlation for name in names}
    free = [name for name in TRAINING_FREE if name in names]
    ways = _ways(signals, every, networks, accuracy)
    learnt = {
        str(count): {way: _learnt(told, accuracy, count, DRAWS_OF.get(way, DRAWS)) for way, told in ways.items()}
        for count in fitted if count < len(values)
    }  # fmt: skip
    return {
        "cells": len(values), "alone": {name: round(value, 3) for name, value in alone.items()},
        "mean_rank": round(spearman(mean_rank(signals, free).tolist(), values), 3),
        "spearman_and_coverage_by_measured_cells": learnt,
    }  # fmt: skip


Tell = Callable[[Array, Array], Predicted]
"""What is foretold of the second cells after the first were measured."""


def _ways(
    signals: list[Signals], every: list[Signals], networks: list[list[Operation]], accuracy: Array
) -> dict[str, Tell]:
    """Each learner on the proxies; trees on proxies, paths and counts; graph networks; and trees over all of it."""

    def ensemble(known: list[Signals], learners: tuple[str, ...], graphs: bool = False) -> Tell:
        def tell(fit: Array, rest: Array) -> Predicted:
            wired = [[networks[i] for i in rows] if graphs else [] for rows in (fit, rest)]
            made = SignalEnsemble([known[i] for i in fit], accuracy[fit].tolist(), learners, wired[0])
            return made.predict([known[i] for i in rest], wired[1])

        return tell

    def graph_network(fit: Array, rest: Array) -> Predicted:
        return Predicted(
            *GraphNetworks([networks[i] for i in fit], accuracy[fit]).predict([networks[i] for i in rest])
        )

    return {
        **{name: ensemble(signals, (name,)) for name in LEARNERS},
        "trees, with paths": ensemble(every, ("trees",)),
        "graph network": graph_network,
        "trees, with paths and graph network": ensemble(every, ("trees",), graphs=True),
    }


def _learnt(tell: Tell, accuracy: Array, count: int, draws: int) -> list[float]:
    """Spearman, and the share of cells that lie within 1.64 deviations (.9 where these are honest)."""
    rows = []
    for seed in range(draws):
        order = np.random.default_rng(seed).permutation(len(accuracy))
        fit, rest = order[:count], order[count:]
        told = tell(fit, rest)
        within = np.abs(told.mean - accuracy[rest]) <= 1.64 * told.deviation
        rows.append((spearman(told.mean.tolist(), accuracy[rest].tolist()), float(within.mean())))
    return [round(float(mean), 3) for mean in np.mean(rows, axis=0)]


def column(signals: list[Signals], name: str) -> list[float]:
    """What could not be computed counts as the lowest."""
    lowest = min(one[name] for one in signals if name in one)
    return [one.get(name, lowest) for one in signals]


def proxies(tables: Path, count: int, jobs: int, fitted: list[int], kept: Path | None) -> Iterator[dict[str, Any]]:
    """A row per input and table, of `count` random cells."""
    table = np.load(tables / "nasbench201" / "nasbench201_cifar.npz")
    rows = np.random.default_rng(0).permutation(len(table["ops"]))[:count]
    cells = [[str(table["op_names"][code]) for code in table["ops"][row]] for row in rows]
    found = _known(kept, count) or _all_measured(tables, cells, jobs, kept)
    networks = [network for _, network in found]
    for name in found[0][0]:
        for place, dataset in enumerate(table["datasets"]):
            accuracy = np.nanmean(table["val_acc_200_seeds"][place, rows], axis=1)
            figures = scores([one[name] for one, _ in found], networks, accuracy, fitted)
            yield {"task": "proxies", "input": name, "table": str(dataset), **figures}


def _all_measured(tables: Path, cells: list[list[str]], jobs: int, kept: Path | None) -> list[Cell]:
    batches, judge = inputs(tables), ProcessJudge(jobs)
    with ThreadPoolExecutor(jobs) as pool:
        found = list(pool.map(lambda operations: measured(judge, operations, batches), cells))
    judge.close()
    if kept:
        kept.write_text(json.dumps(found))
    return found


def _known(kept: Path | None, count: int) -> list[Cell]:
    if kept is None or not kept.exists():
        return []
    found = json.loads(kept.read_text())[:count]
    return [
        (one, [Operation(kind, tuple(figures), tuple(sources)) for kind, figures, sources in network])
        for one, network in found
    ]
