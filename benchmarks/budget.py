"""How many epochs `auto` saves, against full training of every suggestion, on the digits and on MNIST.

A space of 12,960 CNNs; suggestions are even draws. Every suggestion is trained in full once, by the evaluator's own
`Trials`, and its curve kept; a way to spend less is then the real decision code on these curves: a training that is
stopped, or paused and taken up again, has the very same first epochs (tests/core/evaluation/test_pausing.py).
`same_epochs` is the control: the first suggestions in full, as many as the epochs that `auto` took would pay for.
"""

import json
import statistics
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from neuromosaic.core.architecture.spec import ArchitectureSpec
from neuromosaic.core.brief import Brief
from neuromosaic.core.evaluation.checkpoint import Row
from neuromosaic.core.evaluation.data.dataset import Dataset, Split
from neuromosaic.core.evaluation.data.loading import load_dataset
from neuromosaic.core.evaluation.evaluators.auto import Auto
from neuromosaic.core.evaluation.evaluators.trials import Asked, Metrics, Trials
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.judge.process import ProcessJudge
from neuromosaic.core.proposals import MetricsPlan
from neuromosaic.core.search.study import ArchitectureSearch
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.space import SearchSpace

PLAN = MetricsPlan(loss="cross_entropy", primary="accuracy", report=())
RECIPES = {"digits": Recipe(epochs=16), "mnist": Recipe(epochs=16)}
SUGGESTIONS = {"digits": 48, "mnist": 48}
SEEDS = {"digits": 5, "mnist": 3}
MNIST_TRAIN, MNIST_VALIDATION = 2000, 1000
SPACE = SearchSpace(
    {
        "blocks": {"type": "int", "min": 1, "max": 3},
        "width": {"type": "ordinal", "values": [3, 4, 6, 8, 12]},
        "growth": {"type": "ordinal", "values": [1.0, 1.5, 2.0]},
        "kernel": {"type": "ordinal", "values": [1, 3]},
        "stride": {"type": "ordinal", "values": [1, 2]},
        "activation": {"type": "categorical", "values": ["relu", "tanh", "gelu"]},
        "norm": {"type": "bool"},
        "pool": {"type": "categorical", "values": ["max_pool", "avg_pool"]},
        "dropout": {"type": "ordinal", "values": [0.0, 0.2]},
        "hidden": {"type": "ordinal", "values": [0, 32, 64]},
    }
)


def network(point: Point, shape: tuple[int, ...]) -> ArchitectureSpec:
    layers: list[tuple[str, dict[str, Any]]] = []
    side = shape[-1]
    for block in range(point["blocks"]):
        stride = 1 if block else point["stride"]
        channels = round(point["width"] * point["growth"] ** block)
        layers.append(("conv", {"channels": channels, "kernel": point["kernel"], "stride": stride}))
        layers += [("batch_norm", {})] if point["norm"] else []
        layers.append((point["activation"], {}))
        side = -(-side // stride)
        if side > 1:
            layers.append((point["pool"], {"kernel": 2, "stride": 2}))
            side //= 2
    layers.append(("flatten", {}))
    if point["hidden"]:
        layers += [("linear", {"features": point["hidden"]}), (point["activation"], {})]
    layers += [("dropout", {"p": point["dropout"]})] if point["dropout"] else []
    return ArchitectureSpec.chain(shape, *layers, ("linear", {"features": 10}))


def data_of(name: str, folder: Path) -> Dataset:
    if name == "digits":
        return load_dataset(Brief(data="digits"))
    whole = load_dataset(Brief(data=str(folder / "mnist")))
    train, validation = whole.train, whole.validation
    return replace(
        whole,
        train=Split(train.x[:MNIST_TRAIN], train.y[:MNIST_TRAIN]),
        validation=Split(validation.x[:MNIST_VALIDATION], validation.y[:MNIST_VALIDATION]),
    )


# ---------------------------------------------------------------- full trainings, kept


class Curves:
    """Rows per epoch of every suggestion's full training, computed where the file `kept` does not have them."""

    def __init__(self, name: str, folder: Path, kept: Path | None) -> None:
        self.name, self.folder, self.kept = name, folder, kept
        self.known: dict[str, list[Row]] = {}
        if kept and kept.exists():
            lines = [json.loads(line) for line in kept.read_text().splitlines()]
            self.known = {one["key"]: one["rows"] for one in lines if one["data"] == name}

    def of(self, seed: int, points: list[Point]) -> dict[str, list[Row]]:
        """By the point's key in the space."""
        missing = [point for point in points if self._name(seed, point) not in self.known]
        for point, rows in self._trained(seed, missing):
            self._keep(self._name(seed, point), rows)
        return {SPACE.key(point): self.known[self._name(seed, point)] for point in points}

    def _trained(self, seed: int, points: list[Point]) -> Iterator[tuple[Point, list[Row]]]:
        if not points:
            return
        data, judge = data_of(self.name, self.folder), ProcessJudge(workers=1)
        trials = Trials(data, RECIPES[self.name], PLAN, judge, seed, 600.0)
        for point in points:
            yield point, trials.train(trials.subject(network(point, data.contract.input.shape))).curve
        judge.close()

    def _keep(self, key: str, rows: list[Row]) -> None:
        self.known[key] = rows
        if self.kept:
            with self.kept.open("a") as file:
                file.write(json.dumps({"data": self.name, "key": key, "rows": rows}) + "\n")

    def _name(self, seed: int, point: Point) -> str:
        return f"{seed}/{SPACE.key(point)}"


class Recorded:
    """Stands where `Trials` stand: a training gives the kept rows, and `spent` counts the epochs that it took."""

    def __init__(self, curves: dict[str, list[Row]], recipe: Recipe, examples: int) -> None:
        self.curves, self.recipe, self.plan = curves, recipe, PLAN
        self.dataset = SimpleNamespace(train=range(examples))
        self.epochs = int(recipe.epochs)
        self.spent, self._paid = 0, dict[str, int]()

    def subject(self, point: Point) -> str:
        return SPACE.key(point)

    def go_on(self, key: str, asked: Asked, stop: Callable[[int, Row], bool] | None) -> Any:
        rows: list[Row] = []
        until, paid = round(asked.fidelity * self.epochs), self._paid.get(key, 0) if asked.checkpoint else 0
        for row in self.curves[key][:until]:
            rows.append(row)
            if len(rows) > paid and stop is not None and stop(len(rows), row):
                break
        self.spent += max(0, len(rows) - paid)
        self._paid[key] = len(rows)
        best = max(rows, key=lambda row: row["accuracy"])
        return SimpleNamespace(curve=rows, metrics={"accuracy": best["accuracy"]}, seconds=0.0)


# ---------------------------------------------------------------- ways to spend


def budget(folder: Path, kept: Path | None, names: list[str]) -> Iterator[dict[str, Any]]:
    for name in names:
        curves = Curves(name, folder, kept)
        rows = [row for seed in range(SEEDS[name]) for row in _ways(name, curves, seed)]
        for way in dict.fromkeys(row["way"] for row in rows):
            yield _summary(name, way, [row for row in rows if row["way"] == way])


def _ways(name: str, curves: Curves, seed: int) -> list[dict[str, Any]]:
    points = SPACE.sample_many(SUGGESTIONS[name], seed)
    found = curves.of(seed, points)
    full = [max(row["accuracy"] for row in found[SPACE.key(point)]) for point in points]
    size = len(load_dataset(Brief(data="digits")).train) if name == "digits" else MNIST_TRAIN
    everything = len(points) * int(RECIPES[name].epochs)

    def row(way: str, reached: float, spent: int) -> dict[str, Any]:
        return {"way": way, "below_best": 100 * (max(full) - reached), "share": spent / everything}

    alone = Recorded(found, RECIPES[name], size)
    auto = Auto(alone)  # type: ignore[arg-type]
    reached = max(auto.evaluate(point, Asked())["accuracy"] for point in points)
    paused = Recorded(found, RECIPES[name], size)
    highest = _halving(points, paused)
    first = full[: alone.spent // int(RECIPES[name].epochs)]
    return [
        row("auto", reached, alone.spent),
        row("auto, paused and promoted by asha", highest, paused.spent),
        row("same_epochs", max(first), alone.spent),
    ]


def _halving(points: list[Point], recorded: Recorded) -> float:
    """`auto` under a pruner that pauses at an eighth, a quarter and half of the epochs, by the engine."""
    way = Auto(recorded)  # type: ignore[arg-type]

    def evaluate(point: Point, fidelity: int, checkpoint: Path) -> Metrics:
        return way.evaluate(point, Asked(min(1.0, fidelity / recorded.epochs), None, checkpoint))

    search = ArchitectureSearch(
        space=SPACE, evaluator=evaluate, strategy=_InOrder(points), pruner="asha", objectives="accuracy",
        max_trials=len(points), min_resource=max(1, recorded.epochs // 8), max_resource=recorded.epochs,
        reduction_factor=2, cache=False,
    )  # fmt: skip
    return max(trial.metrics["accuracy"] for trial in search.run())


class _InOrder:
    """Suggests the given points."""

    def __init__(self, points: list[Point]) -> None:
        self.points = points

    def suggest(self, space: Any, trial_number: int) -> Point:
        return self.points[trial_number]

    def update(self, architecture: Any, metrics: Any) -> None:
        pass


def _summary(name: str, way: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    shares, below = [row["share"] for row in rows], [row["below_best"] for row in rows]
    return {
        "task": "budget", "data": name, "way": way, "networks": SPACE.size(), "suggestions": SUGGESTIONS[name],
        "seeds": len(rows), "share_of_epochs": round(statistics.median(shares), 3),
        "points_below_best": round(statistics.median(below), 2), "worst_share": round(max(shares), 3),
        "worst_points_below": round(max(below), 2),
    }  # fmt: skip
