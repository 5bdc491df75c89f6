"""How soon strategies find the best, and what their suggestions cost.

    python benchmarks/search.py --tables DIR nasbench201 [--seeds 30] [--queries 100] [--strategy auto ...]
    python benchmarks/search.py functions [--seeds 10] [--queries 60]
    python benchmarks/search.py --tables DIR taskset [--seeds 30] [--strategy auto+asha optuna:tpe+asha ...]
    python benchmarks/search.py made_up [--seeds 8] [--strategy auto+asha untold:auto+asha ...]
    python benchmarks/search.py cost

`nasbench201` (Dong and Yang, 2020): the objective is validation accuracy after 200 epochs, the mean over seeds;
regret in points of percent. The strategies see six choices and what they asked for. Peers, from the group `bench`:
Optuna's TPE and GP. `functions`: Branin, Hartmann and a mixed space, by simple regret. Figures are means with 95%
intervals over seeds. `taskset` and `made_up`: see `taskset.py`, `made_up.py`. `--plot FILE.png` draws the curves.
"""

import argparse
import math
import resource
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import made_up
import numpy as np
import taskset

from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.strategies.catalogue import make_strategy
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.space import SearchSpace

VALUE = Objectives({"value": "max"})
FOUND = 1e-9
FEWER = {"optuna_gp": 10}  # seeds: a run of it takes as long as thirty of the others


# ---------------------------------------------------------------- what is searched


def tables(folder: str) -> dict[str, tuple[SearchSpace, Callable[[Point], float], float]]:
    """By data set: the space of cells, their accuracy, the best there is."""
    table = np.load(Path(folder) / "nasbench201" / "nasbench201_cifar.npz")
    names = [str(name) for name in table["op_names"]]
    space = SearchSpace({f"edge{edge}": {"type": "categorical", "values": names} for edge in range(6)})
    rows = {tuple(names[op] for op in cell): row for row, cell in enumerate(table["ops"])}
    found = {}
    for dataset, seeds in zip(table["datasets"], table["val_acc_200_seeds"], strict=True):
        scores = np.nanmean(seeds, axis=1)
        found[str(dataset)] = (space, _looked_up(rows, scores, list(space.parameters)), float(scores.max()))
    return found


def _looked_up(rows: dict, scores: np.ndarray, order: list[str]) -> Callable[[Point], float]:
    return lambda point: float(scores[rows[tuple(point[name] for name in order)]])


def branin(point: Point) -> float:
    x, y = float(point["x"]), float(point["y"])
    bowl = (y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6) ** 2
    return -(bowl + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10)


A = np.array(
    [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
)
P = 1e-4 * np.array(
    [[1312, 1696, 5569, 124, 8283, 5886], [2329, 4135, 8307, 3736, 1004, 9991],
     [2348, 1451, 3522, 2883, 3047, 6650], [4047, 8828, 8732, 5743, 1091, 381]]
)  # fmt: skip


def hartmann(point: Point) -> float:
    at = np.array([float(point[f"x{n}"]) for n in range(6)])
    return float(np.array([1, 1.2, 3, 3.2]) @ np.exp(-(A * (at - P) ** 2).sum(axis=1)))


def mixed(point: Point) -> float:
    """0 at best: an optimizer with parameters of its own, a depth, a width, two activations."""
    loss = 0.3 * (math.log10(float(point["rate"])) + 2.5) ** 2 + 0.1 * abs(int(point["depth"]) - 7)
    loss += 0.4 * (math.log2(int(point["width"])) - 6.5) ** 2 + 0.5 * (point["norm"] is not True)
    loss += {"relu": 0.2, "gelu": 0.0, "silu": 0.05, "tanh": 0.8, "none": 1.5}[str(point["first"])]
    loss += {"relu": 0.1, "gelu": 0.0, "silu": 0.02, "tanh": 0.5, "none": 1.0}[str(point["second"])]
    return -(loss + (abs(float(point["momentum"]) - 0.9) if "momentum" in point else 0.3))


ACTIVATIONS = {"type": "categorical", "values": ["relu", "gelu", "silu", "tanh", "none"]}
FUNCTIONS: dict[str, tuple[SearchSpace, Callable[[Point], float], float]] = {
    "branin": (
        SearchSpace({"x": {"type": "float", "min": -5, "max": 10}, "y": {"type": "float", "min": 0, "max": 15}}),
        branin,
        -0.397887,
    ),
    "hartmann6": (
        SearchSpace({f"x{n}": {"type": "float", "min": 0, "max": 1} for n in range(6)}),
        hartmann,
        3.32237,
    ),
    "mixed": (
        SearchSpace(
            {
                "optimizer": {"type": "categorical", "values": ["sgd", "adam"]},
                "rate": {"type": "float", "min": 1e-5, "max": 1.0, "log": True},
                "momentum": {"type": "float", "min": 0.0, "max": 0.99, "when": {"optimizer": "sgd"}},
                "depth": {"type": "int", "min": 1, "max": 12},
                "width": {"type": "int", "min": 8, "max": 512, "log": True},
                "norm": {"type": "bool"},
                "first": ACTIVATIONS,
                "second": ACTIVATIONS,
            }
        ),
        mixed,
        0.0,
    ),
}


# ---------------------------------------------------------------- peers


class OptunaPeer:
    """Optuna's own loop of ask and tell, for which points of these spaces are one-to-one."""

    def __init__(self, kind: str, seed: int) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        samplers = {"optuna_tpe": optuna.samplers.TPESampler, "optuna_gp": optuna.samplers.GPSampler}
        self._study = optuna.create_study(direction="maximize", sampler=samplers[kind](seed=seed))

    def suggest(self, space: SearchSpace, trial_number: int) -> Point:
        from neuromosaic.core.search.strategies.optuna_samplers import asked

        self._trial = self._study.ask()
        return asked(space, self._trial)

    def update(self, architecture: Point, metrics: dict) -> None:
        self._study.tell(self._trial, metrics["value"])

    def add(self, space: SearchSpace, point: Point, value: float) -> None:
        import optuna

        from neuromosaic.core.search.strategies.optuna_samplers import distribution, written

        kinds = {name: distribution(space.parameters[name]) for name in point}
        values = {name: written(space.parameters[name], one) for name, one in point.items()}
        self._study.add_trial(optuna.trial.create_trial(params=values, distributions=kinds, value=value))


def made(name: str, seed: int):
    return OptunaPeer(name, seed) if name.startswith("optuna_") else make_strategy(name, seed, VALUE)


# ---------------------------------------------------------------- searching


def curve(
    name: str, seed: int, space: SearchSpace, value: Callable, best: float, queries: int, stop: bool
) -> list[float]:
    """The regret of the best so far after each query; the last one goes on where the best was found and `stop`."""
    strategy, so_far, regrets = made(name, seed), -math.inf, []
    for number in range(queries):
        point = strategy.suggest(space, number)
        strategy.update(point, {"value": value(point)})
        so_far = max(so_far, value(point))
        regrets.append(best - so_far)
        if stop and regrets[-1] <= FOUND:
            break
    return [*regrets, *[regrets[-1]] * (queries - len(regrets))]


def interval(values: np.ndarray) -> str:
    half = 1.96 * values.std(ddof=1) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return f"{values.mean():.3f} ± {half:.3f}"


def race(tasks: dict, names: Sequence[str], arguments: argparse.Namespace, marks: Sequence[int], table: bool) -> None:
    drawn = {}
    for task, (space, value, best) in tasks.items():
        for name in names:
            began = time.process_time()
            count = min(arguments.seeds, FEWER.get(name, arguments.seeds))
            seeds = range(arguments.first_seed, arguments.first_seed + count)
            curves = np.array([curve(name, s, space, value, best, arguments.queries, table) for s in seeds])
            when = 1 + np.argmax(np.column_stack([curves <= FOUND, np.ones(len(curves))]), axis=1)
            regret = ", ".join(f"at {n} {interval(curves[:, n - 1])}" for n in marks if n <= arguments.queries)
            line = f"{task} {name}: seeds {len(curves)}; regret {regret}"
            if table:
                share = ", ".join(f"by {n} {(when <= n).mean():.0%}" for n in marks if n <= arguments.queries)
                found = when[when <= arguments.queries]
                line += (
                    f"; found {share}; queries where found {interval(found.astype(float)) if len(found) else 'none'}"
                )
                line += (
                    f", missing ones counted as {arguments.queries} {np.minimum(when, arguments.queries).mean():.1f}"
                )
                spent = np.minimum(when, arguments.queries).sum()
            else:
                spent = curves.size
            print(f"{line}; cpu {1000 * (time.process_time() - began) / spent:.1f} ms a trial", flush=True)
            drawn[task, name] = curves
    if arguments.plot:
        plot(drawn, arguments.plot)


def plot(drawn: dict, path: str, unit: str = "queries") -> None:
    """One picture: a field per task, a line per strategy with its 95% interval."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    tasks = list(dict.fromkeys(task for task, _ in drawn))
    figure, axes = plt.subplots(1, len(tasks), figsize=(5.2 * len(tasks), 3.8), squeeze=False)
    for axis, task in zip(axes[0], tasks, strict=True):
        for name in (name for other, name in drawn if other == task):
            curves = drawn[task, name]
            mean, error = curves.mean(axis=0), 1.96 * curves.std(axis=0) / math.sqrt(len(curves))
            spent = np.arange(1, len(mean) + 1)
            width = 2.2 if name.startswith("auto") else 1.1
            axis.plot(spent, np.maximum(mean, 1e-4), label=f"{name} ({len(curves)})", linewidth=width)
            axis.fill_between(spent, np.maximum(mean - error, 1e-4), np.maximum(mean + error, 1e-4), alpha=0.12)
        axis.set(title=f"{task} (seeds)", xlabel=unit, ylabel="mean regret", yscale="log", ylim=(5e-3, None))
        axis.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=80)


# ---------------------------------------------------------------- cost

COSTS = (
    "random",
    "regularized_evolution",
    "evolutionary",
    "local_search",
    "auto",
    "bayesian",
    "optuna_tpe",
    "optuna_gp",
)
SLOW = {"optuna_gp": 100, "optuna_tpe": 1_000}  # beyond so many told trials a peer is not asked: it takes minutes


def cost(arguments: argparse.Namespace) -> None:
    """Time of a suggestion and its update with 100, 1,000 and 10,000 trials told, on a space of every kind."""
    space, value, _ = FUNCTIONS["mixed"]
    for name in arguments.strategy or COSTS:
        parts = []
        for told in (100, 1_000, 10_000):
            if told > SLOW.get(name, told):
                parts.append(f"{told:,}: left out")
                continue
            strategy = filled(name, space, value, told)
            strategy.suggest(space, told)
            began = time.process_time()
            for number in range(10):
                point = strategy.suggest(space, told + number)
                strategy.update(point, {"value": value(point)})
            parts.append(f"{told:,}: {100 * (time.process_time() - began):.2f} ms")
        print(f"{name}: {', '.join(parts)}", flush=True)
    for name in ("random", "regularized_evolution", "evolutionary"):
        began, strategy = time.perf_counter(), made(name, 0)
        for number in range(arguments.trials):
            point = strategy.suggest(space, number)
            strategy.update(point, {"value": value(point)})
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{name}: {arguments.trials:,} trials in {time.perf_counter() - began:.0f} s, peak {peak:.0f} MB",
            flush=True,
        )


def filled(name: str, space: SearchSpace, value: Callable, told: int):
    strategy = made(name, 0)
    for point in space.sample_many(told, 0):
        if isinstance(strategy, OptunaPeer):
            strategy.add(space, point, value(point))
        else:
            strategy.update(point, {"value": value(point)})
    return strategy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=["nasbench201", "functions", "taskset", "made_up", "cost"])
    parser.add_argument("--tables")
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--trials", type=int, default=100_000)
    parser.add_argument("--strategy", nargs="*")
    parser.add_argument("--plot")
    arguments = parser.parse_args()
    if arguments.task == "cost":
        cost(arguments)
    elif arguments.task == "taskset":
        seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
        found = taskset.race(arguments.tables, arguments.strategy or taskset.METHODS, seeds)
        if arguments.plot:
            plot(
                {("TaskSet", name): curves.mean(axis=0) for name, curves in found.items()},
                arguments.plot,
                "full trainings",
            )
    elif arguments.task == "made_up":
        seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
        made_up.race(arguments.strategy or made_up.METHODS, seeds)
    elif arguments.task == "functions":
        race(
            FUNCTIONS,
            arguments.strategy or ("random", "auto", "bayesian", "optuna_tpe"),
            arguments,
            (20, 40, 60),
            False,
        )
    else:
        names = arguments.strategy or (
            "auto", "bayesian", "local_search", "regularized_evolution", "random", "optuna_tpe", "optuna_gp",
        )  # fmt: skip
        race(tables(arguments.tables), names, arguments, (50, 75, 100), True)


if __name__ == "__main__":
    main()
