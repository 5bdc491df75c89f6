"""Multi-fidelity search on TaskSet (Metz et al., 2020, arXiv:2002.11887): real learning curves of six tasks.

Each task: 1,000 configurations of Adam with 8 parameters, the validation loss after each of 50 steps. A search may
stop and go on with trainings at will; a step costs a fiftieth of a training. What counts is the lowest loss that was
seen for the budget, as a share of the way from the best configuration (0) to the median one (1), a configuration's
value being its lowest loss. All suggest configurations of the table, each once: ours search the space of these
points, Optuna's suggestions are moved to the nearest one that was not tried.
"""

import math
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neuromosaic.core.search.coordinates import Coordinates
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.space import SearchSpace
from neuromosaic.search import ArchitectureSearch

STEPS = 50
MARKS = (10, 20, 50)  # full trainings
NEAR = 16  # configurations that count as neighbours
LADDER = {"min_resource": 1, "max_resource": STEPS, "reduction_factor": 3}


class Listed(SearchSpace):
    """Points from a list, and what is near in it."""

    def __init__(self, parameters: dict[str, Any], points: Sequence[Point]) -> None:
        super().__init__(parameters)
        self.points = list(points)
        self.rows = {_key(point): row for row, point in enumerate(self.points)}
        self._coordinates = Coordinates(self.parameters)
        self._places = self._coordinates.of(self.points)
        self._near: dict[int, list[int]] = {}

    def contains(self, point: Any) -> bool:
        return _key(point) in self.rows

    def sample_many(self, count: int, seed: int) -> list[Point]:
        return [dict(self.points[row]) for row in np.random.default_rng(seed).integers(len(self.points), size=count)]

    def size(self) -> int:
        return len(self.points)

    def enumerate(self) -> Iterator[Point]:
        return map(dict, self.points)

    def neighbours(self, point: Point) -> Iterator[Point]:
        here = self.rows[_key(point)]
        if here not in self._near:
            self._near[here] = self.nearest(point)[1 : NEAR + 1]
        return (dict(self.points[row]) for row in self._near[here])

    def mutate(self, point: Point, draw: random.Random) -> Point:
        return draw.choice(list(self.neighbours(point)))

    def cross(self, one: Point, other: Point, draw: random.Random) -> Point:
        mixed = {name: draw.choice((one[name], other[name])) for name in one}
        return dict(self.points[self.nearest(mixed)[0]])

    def nearest(self, point: Point) -> list[int]:
        """All rows, the nearest first."""
        place = self._coordinates.of([point])[0]
        return np.argsort(((self._places - place) ** 2).sum(axis=1), kind="stable").tolist()


def _key(point: Point) -> tuple[Any, ...]:
    return tuple(sorted(point.items()))


class Task:
    """Curves [configurations, steps] of validation losses, and the space of the configurations."""

    def __init__(self, curves: np.ndarray, settings: np.ndarray, names: Sequence[str]) -> None:
        self.curves = curves
        columns = {
            f"1-{name}" if name.startswith("beta") else name: column
            for name, column in zip(names, settings.T, strict=True)
        }
        columns = {name: 1 - column if name.startswith("1-") else column for name, column in columns.items()}
        low = {name: float(column.min()) for name, column in columns.items()}
        parameters = {
            name: {"type": "float", "min": low[name], "max": float(column.max()), "log": True}
            for name, column in columns.items()
        }
        points = [dict(zip(columns, map(float, row), strict=True)) for row in np.column_stack(list(columns.values()))]
        self.space = Listed(parameters, points)
        lowest = np.nanmin(np.where(np.isnan(curves), np.inf, curves), axis=1)
        self.best, self.median = float(lowest.min()), float(np.median(lowest))

    def regret(self, loss: float) -> float:
        return (loss - self.best) / (self.median - self.best)


def tasks(folder: str) -> dict[str, Task]:
    table = np.load(Path(folder) / "taskset" / "taskset_6.npz")
    names = [str(name) for name in table["hp_names"]]
    return {
        str(task): Task(table[f"{task}__valid"][:, 1:].astype(float), table[f"{task}__hp"], names)
        for task in table["tasks"]
    }


class Purse:
    """What was seen for the steps that were paid: `lowest` loss after each step of the budget."""

    def __init__(self, task: Task, trainings: int) -> None:
        self.task, self.most = task, trainings * STEPS
        self.lowest: list[float] = []
        self.reached: dict[int, int] = {}

    @property
    def is_done(self) -> bool:
        """Nothing is left of the budget, or nothing better to be found."""
        return len(self.lowest) >= self.most or (bool(self.lowest) and self.lowest[-1] <= self.task.best)

    def train(self, row: int, steps: int) -> float:
        """The loss after `steps` steps of a configuration, going on from where it is."""
        for step in range(self.reached.get(row, 0), steps):
            loss = self.task.curves[row, step]
            before = self.lowest[-1] if self.lowest else math.inf
            self.lowest.append(before if math.isnan(loss) else min(before, float(loss)))
        self.reached[row] = max(steps, self.reached.get(row, 0))
        return float(self.task.curves[row, steps - 1])

    def regrets(self) -> list[float]:
        """After each full training's worth of steps; of a search that ended early its last."""
        held = [*self.lowest, *[self.lowest[-1]] * (self.most - len(self.lowest))]
        return [self.task.regret(loss) for loss in held[STEPS - 1 : self.most : STEPS]]


# ---------------------------------------------------------------- ours


def ours(task: Task, strategy: str, pruner: str | None, seed: int, trainings: int) -> list[float]:
    """By the engine: an evaluator that takes `fidelity` and goes on from where it paused."""
    purse = Purse(task, trainings)
    keywords = {} if pruner is None else {"pruner": pruner, **LADDER}

    def evaluate(point: Point, fidelity: int = STEPS) -> float:
        return purse.train(task.space.rows[_key(point)], fidelity)

    search = ArchitectureSearch(
        space=task.space, evaluator=evaluate, strategy=strategy, objectives={"loss": "min"}, seed=seed, cache=False,
        max_trials=len(task.space.points), callbacks=[lambda search, _: search.stop() if purse.is_done else None],
        **keywords,
    )  # fmt: skip
    search.run()
    return purse.regrets()


# ---------------------------------------------------------------- Optuna's


def theirs(task: Task, sampler: str, pruner: str, seed: int, trainings: int) -> list[float]:
    """Its own loop: a trial reports after each step, and ends where the pruner says so."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    pruners = {
        "asha": lambda: optuna.pruners.SuccessiveHalvingPruner(1, 3, 0),
        "hyperband": lambda: optuna.pruners.HyperbandPruner(1, STEPS, 3),
        "median": optuna.pruners.MedianPruner,
    }
    study = optuna.create_study(study_name="search", sampler=_snapping(task, sampler, seed), pruner=pruners[pruner]())
    purse = Purse(task, trainings)
    while not purse.is_done and len(purse.reached) < len(task.space.points):
        trial = study.ask(_distributions(task))
        row = task.space.rows[_key(trial.params)]
        study.tell(trial, *_trained(optuna, trial, purse, row))
    return purse.regrets()


def _trained(optuna: Any, trial: Any, purse: Purse, row: int) -> tuple[float | None, Any]:
    state = optuna.trial.TrialState
    for step in range(1, STEPS + 1):
        loss = purse.train(row, step)
        trial.report(loss, step)
        if trial.should_prune() or math.isnan(loss):
            return None, state.PRUNED
    return loss, state.COMPLETE


def _distributions(task: Task) -> dict[str, Any]:
    from neuromosaic.core.search.strategies.optuna_samplers import distribution

    return {name: distribution(parameter) for name, parameter in task.space.parameters.items()}


def _snapping(task: Task, sampler: str, seed: int) -> Any:
    """Optuna's sampler, its suggestions moved to the nearest configuration that was not tried."""
    import optuna

    kind = {"tpe": optuna.samplers.TPESampler, "random": optuna.samplers.RandomSampler}[sampler]
    draw, tried = random.Random(seed), set[int]()

    class Snapping(kind):  # type: ignore[misc, valid-type]
        def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, Any]:
            return _distributions(task)

        def sample_relative(self, study: Any, trial: Any, search_space: dict[str, Any]) -> dict[str, Any]:
            point = {name: self.sample_independent(study, trial, name, one) for name, one in search_space.items()}
            order = (
                draw.sample(range(len(task.space.points)), len(task.space.points)) if sampler == "random" else None
            )
            row = next(row for row in order or task.space.nearest(point) if row not in tried)
            tried.add(row)
            return dict(task.space.points[row])

    return Snapping(seed=seed)


# ---------------------------------------------------------------- the race

METHODS = (
    "random", "random+asha", "random+hyperband", "auto+asha", "auto+hyperband",
    "optuna:random+asha", "optuna:tpe+asha", "optuna:tpe+hyperband",
)  # fmt: skip


def run(method: str, task: Task, seed: int, trainings: int) -> list[float]:
    maker, _, name = method.rpartition(":")
    strategy, _, pruner = name.partition("+")
    if maker:
        return theirs(task, strategy, pruner, seed, trainings)
    return ours(task, strategy, pruner or None, seed, trainings)


def race(folder: str, methods: Sequence[str], seeds: Sequence[int], trainings: int = 50) -> dict[str, np.ndarray]:
    """By method: regrets [tasks, seeds, trainings]; a line for each is printed."""
    found = {}
    for method in methods:
        began = time.process_time()
        curves = np.array([[run(method, task, seed, trainings) for seed in seeds] for task in tasks(folder).values()])
        by_seed = curves.mean(axis=0)
        half = (
            1.96 * by_seed.std(axis=0, ddof=1) / math.sqrt(len(seeds))
            if len(seeds) > 1
            else np.full(trainings, np.nan)
        )
        told = ", ".join(
            f"at {n} {by_seed[:, n - 1].mean():.3f} ± {half[n - 1]:.3f}" for n in MARKS if n <= trainings
        )
        spent = (time.process_time() - began) / curves[..., 0].size
        each = "; ".join(
            f"{'/'.join(f'{one[:, n - 1].mean():.2f}' for n in MARKS if n <= trainings)}" for one in curves
        )
        print(
            f"taskset {method}: seeds {len(seeds)}; regret {told}; by task {each}; {spent:.1f} s of cpu a run",
            flush=True,
        )
        found[method] = curves
    return found
