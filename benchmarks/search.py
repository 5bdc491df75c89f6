"""How soon a strategy finds the best cell of NAS-Bench-201 (Dong and Yang, 2020), by queries of a table.

    python benchmarks/search.py --tables DIR [--seeds 100] [--first-seed 0] [--queries 100] [--strategy bayesian]

The objective is validation accuracy after 200 epochs, the mean over seeds; regret is in points of percent.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from neuromosaic.core.search.strategies import BayesianSearch
from neuromosaic.core.space.space import SearchSpace


class RandomPoints:
    """Independent even draws: the baseline."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def suggest(self, space: SearchSpace, trial_number: int) -> dict:
        return space.sample_many(1, 1_000_003 * self._seed + trial_number)[0]

    def update(self, architecture: dict, metrics: dict) -> None:
        """It learns nothing."""


STRATEGIES = {"bayesian": BayesianSearch, "random": RandomPoints}


def main() -> None:
    arguments = _arguments()
    table = np.load(Path(arguments.tables) / "nasbench201" / "nasbench201_cifar.npz")
    names = [str(name) for name in table["op_names"]]
    space = SearchSpace({f"edge{edge}": {"type": "categorical", "values": names} for edge in range(6)})
    rows = {tuple(names[op] for op in cell): row for row, cell in enumerate(table["ops"])}
    for dataset, seeds in zip(table["datasets"], table["val_acc_200_seeds"], strict=True):
        scores = np.nanmean(seeds, axis=1)
        began = time.process_time()
        chosen = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
        curves = np.array([_curve(space, rows, scores, arguments, seed) for seed in chosen])
        trial = 1000 * (time.process_time() - began) / curves.size
        print(f"{dataset} {arguments.strategy} {_summary(curves)} cpu {trial:.1f} ms a trial", flush=True)


def _curve(space, rows, scores, arguments, seed: int) -> list[float]:
    """The regret of the best so far, after each query."""
    strategy, best, regrets = STRATEGIES[arguments.strategy](seed), -np.inf, []
    for number in range(arguments.queries):
        point = strategy.suggest(space, number)
        score = float(scores[rows[tuple(point[name] for name in space.parameters)]])
        strategy.update(point, {"fitness": score})
        best = max(best, score)
        regrets.append(float(scores.max()) - best)
    return regrets


def _summary(curves: np.ndarray) -> str:
    found = (curves <= 1e-9).any(axis=1)
    when = 1 + (curves <= 1e-9).argmax(axis=1)[found]
    at = {count: curves[:, count - 1] for count in (50, 75, 100) if count <= curves.shape[1]}
    regret = ", ".join(f"at {count} {part.mean():.3f}" for count, part in at.items())
    share = ", ".join(f"by {count} {(part <= 1e-9).mean():.0%}" for count, part in at.items())
    mean = f"{when.mean():.1f}" if found.any() else "none"
    return f"seeds {len(curves)}; regret {regret}; found {share}; mean query where found {mean};"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", required=True)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--strategy", choices=sorted(STRATEGIES), default="bayesian")
    return parser.parse_args()


if __name__ == "__main__":
    main()
