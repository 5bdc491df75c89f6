"""Trainings that cheap signals spare, on the suggestions of `budget`: what they save, and what they lose.

Ways: `performance_prediction` trains twelve, then skips what zero-cost proxies rule out; `refusing` does the same as
a design could: what is ruled out is not admitted, and the next suggestion takes its place, so that as many are
trained as the control has (`first`); `auto with proxies` ends ruled-out trainings at the first look. Decisions are
the evaluators' own, on the kept curves of full trainings.
"""

import json
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from budget import PLAN, RECIPES, SPACE, SUGGESTIONS, Curves, Recorded, data_of, network

from neuromosaic.core.evaluation.checkpoint import Row
from neuromosaic.core.evaluation.evaluators.auto import Auto
from neuromosaic.core.evaluation.evaluators.prediction import SURE, Foresight, PerformancePrediction
from neuromosaic.core.evaluation.evaluators.trials import Asked, Trials
from neuromosaic.core.judge.process import ProcessJudge
from neuromosaic.core.space.parameters import Point

TRAINED = 24  # of `refusing` and `first`
SEEDS = {"digits": 2, "mnist": 1}


class Foreseeing(Recorded):
    """With the proxies of each suggestion."""

    signals: dict[str, dict[str, float]]

    def proxies(self, key: str) -> dict[str, float]:
        return self.signals[key]

    def go_on(self, key: str, asked: Asked, stop: Callable[[int, Row], bool] | None) -> Any:
        outcome = super().go_on(key, asked, stop)
        outcome.cause = "finished" if len(outcome.curve) == self.epochs else "stopped"
        return outcome

    def merit(self, metrics: dict[str, float]) -> float:
        return metrics[PLAN.primary]


class Eager(Auto):
    """Looks at proxies however short the trainings are."""

    _proxies_pay = True


def skipping(folder: Path, kept: Path | None, names: list[str]) -> Iterator[dict[str, Any]]:
    for name in names:
        curves, rows = Curves(name, folder, kept), []
        for seed in range(SEEDS[name]):
            points = SPACE.sample_many(SUGGESTIONS[name], seed)
            signals, seconds = proxies_of(name, folder, seed, points, kept)
            rows += [{**row, "seconds_a_network": seconds} for row in _ways(name, curves, seed, points, signals)]
        for way in dict.fromkeys(row["way"] for row in rows):
            yield _summary(name, way, [row for row in rows if row["way"] == way])


def proxies_of(
    name: str, folder: Path, seed: int, points: list[Point], kept: Path | None
) -> tuple[dict[str, dict[str, float]], float]:
    """By the point's key, and the seconds that one network's took."""
    file = kept and kept.with_name(f"{kept.name}-proxies-{name}-{seed}")
    if file and file.exists():
        known = json.loads(file.read_text())
        return known["signals"], known["seconds"]
    data, judge = data_of(name, folder), ProcessJudge(workers=1)
    trials = Trials(data, RECIPES[name], PLAN, judge, seed, 600.0)
    subjects = {SPACE.key(point): trials.subject(network(point, data.contract.input.shape)) for point in points}
    began = time.perf_counter()
    found = {key: trials.proxies(subject) for key, subject in subjects.items()}
    seconds = (time.perf_counter() - began) / len(points)
    judge.close()
    if file:
        file.write_text(json.dumps({"signals": found, "seconds": seconds}))
    return found, seconds


def _ways(
    name: str, curves: Curves, seed: int, points: list[Point], signals: dict[str, dict[str, float]]
) -> Iterator[dict[str, Any]]:
    found = curves.of(seed, points)
    full = {SPACE.key(point): max(row["accuracy"] for row in found[SPACE.key(point)]) for point in points}
    best, everything = max(full.values()), len(points) * int(RECIPES[name].epochs)

    def row(way: str, reached: float, spent: int) -> dict[str, Any]:
        return {"way": way, "below_best": 100 * (best - reached), "share": spent / everything}

    for way, make in {
        "performance_prediction": PerformancePrediction,
        "auto with proxies": Eager,
        "auto": Auto,
    }.items():
        recorded = Foreseeing(found, RECIPES[name], 1)
        recorded.signals = signals
        mode = make(recorded)  # type: ignore[arg-type]
        told = [mode.evaluate(point, Asked()) for point in points]
        measured = [metrics["accuracy"] for metrics in told if not metrics.get("predicted")]
        yield row(way, max(measured), recorded.spent)
    epochs = int(RECIPES[name].epochs)
    yield row("first", max([*full.values()][:TRAINED]), TRAINED * epochs)
    yield row("refusing", max(_refusing(points, full, signals)), TRAINED * epochs)


def _refusing(points: list[Point], full: dict[str, float], signals: dict[str, dict[str, float]]) -> Iterator[float]:
    foresight, trained = Foresight(), 0
    for key in map(SPACE.key, points):
        told = foresight.predict(signals[key])
        if trained == TRAINED or (told and told.mean[0] + SURE * told.deviation[0] < foresight.best):
            continue
        foresight.learn(signals[key], full[key])
        trained += 1
        yield full[key]


def _summary(name: str, way: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    shares, below = [row["share"] for row in rows], [row["below_best"] for row in rows]
    return {
        "task": "skipping", "data": name, "way": way, "suggestions": SUGGESTIONS[name], "seeds": len(rows),
        "share_of_epochs": round(statistics.median(shares), 3), "worst_share": round(max(shares), 3),
        "points_below_best": round(statistics.median(below), 2),
        "mean_points_below": round(statistics.mean(below), 2),
        "worst_points_below": round(max(below), 2),
        "seconds_of_proxies_a_network": round(statistics.median(row["seconds_a_network"] for row in rows), 3),
    }  # fmt: skip
