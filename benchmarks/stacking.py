"""Many small networks of one structure trained side by side, and one after another."""

import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from devices import device, named
from loop import ratio
from torch import nn

from neuromosaic.core.brief import Brief
from neuromosaic.core.evaluation.data.dataset import Dataset
from neuromosaic.core.evaluation.data.loading import load_dataset
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.stacked_trials import run_stacked_trials
from neuromosaic.core.evaluation.trial import TrialOutcome, run_trial
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.graph.export import export_module
from neuromosaic.core.judge.process import ProcessJudge
from neuromosaic.core.proposals import MetricsPlan


def stacked(rounds: int, count: int = 32) -> dict[str, Any]:
    """Seconds for `count` trainings of one MLP on the digits by a judge of two workers, and of one.

    Other seeds, learning rates and weight decays; wall clock, and every message and score of the host included.
    """
    recipes = [
        Recipe(epochs=5, learning_rate=1e-3 * 1.1**number, weight_decay=0.01 * (number % 3))
        for number in range(count)
    ]
    graphs, data = [digits_mlp(number) for number in range(count)], digits()
    plan = MetricsPlan(loss="cross_entropy", primary="accuracy", report=())
    judge = ProcessJudge(workers=2, device=device())
    judge.warm_up()

    def alone(number: int) -> TrialOutcome:
        return run_trial(judge, graphs[number], data, recipes[number], plan, fidelity=1, seed=number)

    def together(numbers: range) -> list[TrialOutcome]:
        return run_stacked_trials(
            judge, [graphs[number] for number in numbers], data, [recipes[number] for number in numbers], plan,
            fidelity=1, seeds=list(numbers),
        )  # fmt: skip

    halves = [range(count // 2), range(count // 2, count)]
    with ThreadPoolExecutor(2) as pool:
        ways: dict[str, Callable[[], list[TrialOutcome]]] = {
            "one_after_another": lambda: [alone(number) for number in range(count)],
            "one_after_another_on_two": lambda: list(pool.map(alone, range(count))),
            "stacked_in_one": lambda: together(range(count)),
            "stacked_in_two": lambda: [one for half in pool.map(together, halves) for one in half],
        }
        outcomes = {way: run() for way, run in ways.items()}
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(rounds):
            for way, run in ways.items():
                began = time.perf_counter()
                run()
                seconds[way].append(time.perf_counter() - began)
    judge.close()
    accuracies = {way: [one.metrics["accuracy"] for one in found] for way, found in outcomes.items()}
    reference = accuracies["one_after_another"]
    return {
        "task": "stacked", "device": named(), "members": count, "rounds": rounds,
        "seconds": {way: round(statistics.median(values), 3) for way, values in seconds.items()},
        "stacked_in_one_to_one_after_another": round(
            ratio(seconds["one_after_another"], seconds["stacked_in_one"]), 2),
        "stacked_in_two_to_one_after_another_on_two": round(
            ratio(seconds["one_after_another_on_two"], seconds["stacked_in_two"]), 2),
        "largest_difference_in_accuracy": max(
            abs(one - other) for found in accuracies.values() for one, other in zip(found, reference, strict=True)),
    }  # fmt: skip


def digits() -> Dataset:
    return load_dataset(Brief(data="digits"))


def digits_mlp(seed: int) -> Graph:
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 10))
    return export_module(net, (torch.randn(4, 1, 8, 8),))
