"""What the sizes of networks tell a search beside its parameters: `auto` with and without the measures of a space.

    python benchmarks/sizes.py --kept FILE.jsonl [--data FOLDER] [--seeds 30] [digits] [mnist]

The even draws of `budget.py` (240 small CNNs on digits, 96 on 2,000 images of MNIST, which lies in FOLDER) are
trained in full once, which takes some minutes, and kept in FILE. `auto` then searches among them, from five points
on, with no measures and with logarithms of parameters and FLOPs. Printed: what the best trial so far lacks of the
best network, in points of percent, and the mean accuracy of trials 6 to 12; means with 95% intervals over seeds, and
the rank correlation of each size with the accuracy.
"""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from budget import SEEDS, SPACE, SUGGESTIONS, Curves, network
from scipy.stats import spearmanr
from search import interval
from taskset import Listed

from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.strategies.catalogue import make_strategy
from neuromosaic.core.space.parameters import Point

FIRST, MARKS = 5, (8, 12, 20)
SHAPES = {"digits": (1, 8, 8), "mnist": (1, 28, 28)}


def trained(name: str, curves: Curves) -> dict[str, tuple[Point, float]]:
    """By the point's key in the space: the point, and its accuracy after the last epoch."""
    found = {}
    for seed in range(SEEDS[name]):
        points = SPACE.sample_many(SUGGESTIONS[name], seed)
        rows = curves.of(seed, points)
        found |= {SPACE.key(point): (point, float(rows[SPACE.key(point)][-1]["accuracy"])) for point in points}
    return found


def sizes(name: str, points: Sequence[Point]) -> list[dict[str, float]]:
    inferred = [network(point, SHAPES[name]).infer() for point in points]
    return [{"parameters": math.log(one.parameters), "flops": math.log(one.flops)} for one in inferred]


def searched(space: Listed, worth: dict[str, float], seed: int) -> list[float]:
    strategy, accuracies = make_strategy("auto", seed, Objectives("accuracy"), {"n_initial_random": FIRST}), []
    for number in range(max(MARKS)):
        point = strategy.suggest(space, number)
        accuracies.append(worth[SPACE.key(point)])
        strategy.update(point, {"accuracy": accuracies[-1]})
    return accuracies


def race(name: str, curves: Curves, seeds: Sequence[int]) -> None:
    found = trained(name, curves)
    points, worth = [point for point, _ in found.values()], {key: value for key, (_, value) in found.items()}
    figures, space = sizes(name, points), Listed(dict(SPACE.parameters), points)
    for size in ("parameters", "flops"):
        told = spearmanr([one[size] for one in figures], list(worth.values()))[0]
        print(f"{name}: {len(points)} networks, rank correlation of {size} with accuracy {told:.2f}")
    for label, measures in (("without", None), ("with", lambda asked: sizes(name, asked))):
        space.measures = measures
        trials = 100 * np.array([searched(space, worth, seed) for seed in seeds])
        lacking = 100 * max(worth.values()) - np.maximum.accumulate(trials, axis=1)
        marks = ", ".join(f"at {n} {interval(lacking[:, n - 1])}" for n in MARKS)
        print(f"{name} {label} sizes: seeds {len(seeds)}; lacking {marks}; ", end="")
        print(f"mean of trials 6 to 12 {interval(trials[:, 5:12].mean(axis=1))}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", default=["digits"], metavar="digits|mnist")
    parser.add_argument("--kept", type=Path)
    parser.add_argument("--data", type=Path, default=Path())
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--first-seed", type=int, default=0)
    arguments = parser.parse_args()
    for name in arguments.tasks:
        curves = Curves(name, arguments.data, arguments.kept)
        race(name, curves, range(arguments.first_seed, arguments.first_seed + arguments.seeds))


if __name__ == "__main__":
    main()
