"""Made-up learning curves, whose ends are known: what a strategy makes of trials that were cut short.

Five parameters; the worth of a point, what its curve comes to, is smooth in four of them. The curves differ:

parallel  all rise alike: what leads early leads in the end
noisy     the same, with an error that halves from level to level
crossing  a fifth parameter, `pace`, says how soon a curve rises, and nothing of its worth
slow      the lower `rate`, the later a curve rises, and the best are not among the high
falling   the higher `rate`, the better a point begins, and the more of that it loses

All go by the engine: by `asha` from 1 step to 27, or `median`. Regret is what the worth of the trial that one would
take (of those trained longest the best) lacks, 0 being the best point's and 1 the median one's, for a budget of so
many full trainings.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import numpy as np

from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.strategies.catalogue import make_strategy
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.space import SearchSpace
from neuromosaic.search import ArchitectureSearch

STEPS = 27
MARKS = (5, 10)  # full trainings
LADDER = {"min_resource": 1, "max_resource": STEPS, "reduction_factor": 3}
KINDS = {"conv": 0.0, "pool": 0.5, "skip": 0.3, "none": 0.8}
SPACE = SearchSpace(
    {
        "size": {"type": "float", "min": 0.0, "max": 1.0},
        "rate": {"type": "float", "min": 0.0, "max": 1.0},
        "pace": {"type": "float", "min": 0.0, "max": 1.0},
        "first": {"type": "categorical", "values": list(KINDS)},
        "second": {"type": "categorical", "values": list(KINDS)},
    }
)


def worth(point: Point) -> float:
    """0 at best."""
    size, rate = float(point["size"]), float(point["rate"])
    loss = 4 * (size - 0.7) ** 2 + 4 * (rate - 0.25 - 0.3 * size) ** 2
    return -(loss + 0.5 * KINDS[str(point["first"])] + 0.5 * KINDS[str(point["second"])])


def risen(step: int, pace: float) -> float:
    """From 0 to 1, which is reached at the last step: a share of 1 - 1/e after `pace` steps."""
    return (1 - math.exp(-step / pace)) / (1 - math.exp(-STEPS / pace))


def parallel(point: Point, step: int) -> float:
    return worth(point) + 2 * risen(step, 10)


def noisy(point: Point, step: int) -> float:
    draw = np.random.default_rng(crc32(repr((sorted(point.items()), step)).encode()))
    return parallel(point, step) + (float(draw.normal(0, 0.5 / step)) if step < STEPS else 0.0)


def crossing(point: Point, step: int) -> float:
    return worth(point) + 4 * risen(step, 40 ** float(point["pace"]))


def slow(point: Point, step: int) -> float:
    return worth(point) + 6 * risen(step, 1 + 20 * (1 - float(point["rate"])) ** 2)


def falling(point: Point, step: int) -> float:
    return worth(point) + 3 * float(point["rate"]) * (1 - step / STEPS) ** 2


CURVES: dict[str, Callable[[Point, int], float]] = {
    "parallel": parallel, "noisy": noisy, "crossing": crossing, "slow": slow, "falling": falling,
}  # fmt: skip
MEDIAN = -float(np.median([worth(point) for point in SPACE.sample_many(2000, 0)]))


@dataclass
class Untold:
    """A strategy that is not told how long trials were trained."""

    asked: Any

    def suggest(self, space: SearchSpace, trial_number: int) -> Point:
        return self.asked.suggest(space, trial_number)

    def update(self, architecture: Point, metrics: dict[str, float]) -> None:
        self.asked.update(architecture, metrics)

    def pending(self, points: Sequence[Point]) -> None:
        getattr(self.asked, "pending", lambda _: None)(points)


@dataclass
class Purse:
    """What was seen for the steps that were paid: the regret of the trial to take, after each of them."""

    curve: Callable[[Point, int], float]
    most: int
    regrets: list[float] = field(default_factory=list)
    reached: dict[str, int] = field(default_factory=dict)
    leader: tuple[int, float, float] = (0, -math.inf, math.nan)  # steps, value, worth

    def train(self, point: Point, steps: int) -> float:
        key = repr(sorted(point.items()))
        value = self.curve(point, steps)
        self.regrets += [self.regret] * (steps - self.reached.get(key, 0))
        self.reached[key] = steps
        self.leader = max(self.leader, (steps, value, worth(point)))
        return value

    @property
    def regret(self) -> float:
        return 1.0 if math.isnan(self.leader[2]) else -self.leader[2] / MEDIAN

    @property
    def is_done(self) -> bool:
        return len(self.regrets) >= self.most


def run(method: str, family: str, seed: int, trainings: int) -> list[float]:
    """Regrets after each full training. A method is STRATEGY+PRUNER, with "untold:" before it where the strategy is
    not told how long a trial was trained."""
    purse = Purse(CURVES[family], trainings * STEPS)
    wrapper, _, name = method.rpartition(":")
    name, _, pruner = name.partition("+")
    aims = Objectives("value")
    strategy: Any = make_strategy(name, seed, aims)

    def climbing(point: Point, fidelity: int) -> float:
        return purse.train(point, fidelity)

    def reporting(point: Point, report: Any) -> float:
        step = 0
        for step in range(1, STEPS + 1):
            if report(step, purse.train(point, step)):
                break
        return purse.curve(point, step)

    search = ArchitectureSearch(
        space=SPACE, evaluator=climbing if pruner == "asha" else reporting, objectives=aims, seed=seed, cache=False,
        strategy=Untold(strategy) if wrapper else strategy, max_trials=trainings * STEPS, pruner=pruner,
        callbacks=[lambda search, _: search.stop() if purse.is_done else None],
        **(LADDER if pruner == "asha" else {}),
    )  # fmt: skip
    search.run()
    held = [*purse.regrets, *[purse.regret] * purse.most]
    return held[STEPS - 1 : purse.most : STEPS]


METHODS = ("random+asha", "untold:auto+asha", "auto+asha", "random+median", "untold:auto+median", "auto+median")


def race(
    methods: Sequence[str], seeds: Sequence[int], families: Sequence[str] = tuple(CURVES), trainings: int = 10
) -> None:
    """A line for each family and method is printed: means with 95% intervals over the seeds."""
    for family in families:
        for method in methods:
            began = time.process_time()
            found = np.array([run(method, family, seed, trainings) for seed in seeds])
            half = 1.96 * found.std(axis=0, ddof=min(1, len(seeds) - 1)) / math.sqrt(len(seeds))
            means, marks = found.mean(axis=0), [n for n in MARKS if n <= trainings]
            told = ", ".join(f"at {n} {means[n - 1]:.3f} ± {half[n - 1]:.3f}" for n in marks)
            spent = (time.process_time() - began) / len(seeds)
            print(f"{family} {method}: seeds {len(seeds)}; regret {told}; {spent:.1f} s of cpu a run", flush=True)
