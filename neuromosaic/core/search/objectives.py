"""What a search is after: metrics to be large or small, and limits on them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from neuromosaic.core.errors import SearchError
from neuromosaic.core.search.pareto import crowding_distances, front_ranks, hypervolume, knee
from neuromosaic.core.spelling import suggest

if TYPE_CHECKING:
    from numpy.typing import NDArray

Direction = Literal["max", "min"]
Figures = Mapping[str, float]

USUAL: Mapping[str, Direction] = {
    "value": "max", "accuracy": "max", "acc": "max", "score": "max", "fitness": "max", "reward": "max", "f1": "max",
    "auc": "max", "r2": "max", "loss": "min", "error": "min", "perplexity": "min", "mse": "min", "rmse": "min",
    "mae": "min",
}  # fmt: skip
"""Which way is better where nobody said so: only for names that leave no doubt."""
LIMIT = re.compile(r"\s*(<=|>=|<|>)\s*([-+]?[\d_.]+(?:e[-+]?\d+)?)\s*", re.IGNORECASE)
SENTENCE = re.compile(r"\s*([A-Za-z_][\w./-]*?)\s*((?:<=|>=|<|>).*)")


@dataclass(frozen=True)
class Objective:
    """One metric, and whether it is to be large ("max") or small ("min")."""

    name: str
    direction: Direction


@dataclass(frozen=True)
class Limit:
    """One metric that must be below or above `bound`."""

    name: str
    comparison: str
    bound: float

    def violation(self, value: float) -> float:
        """0 where it is met, else by how much it is missed, relative to the bound (absolute for bounds below 1)."""
        excess = value - self.bound if self.comparison[0] == "<" else self.bound - value
        if excess < 0 or (excess == 0 and self.comparison in ("<=", ">=")):
            return 0.0
        return max(excess, 1e-12) / max(1.0, abs(self.bound))

    def __str__(self) -> str:
        return f"{self.name} {self.comparison} {self.bound:g}"


class Objectives:
    """One objective or several, and limits on metrics.

    `given`: a name ("accuracy"), names with directions ({"accuracy": "max", "latency": "min"}), `Objective`s, or
    None: then the first metric of the first result whose name leaves no doubt (accuracy, loss, ...). A name alone is
    to be large, unless it is one that is small by custom (loss, error, rmse, ...). `constraints`:
    {"params": "<= 20000"} or ["params <= 20000"].

    >>> aims = Objectives({"accuracy": "max", "latency": "min"}, {"params": "<= 100"})
    >>> aims.scores([{"accuracy": 0.9, "latency": 2.0, "params": 90.0},
    ...              {"accuracy": 0.8, "latency": 3.0, "params": 90.0},
    ...              {"accuracy": 0.99, "latency": 1.0, "params": 200.0}]).argsort().tolist()
    [2, 1, 0]

    Raises SearchError for unknown directions, limits that cannot be read, and names that stand there twice.
    """

    def __init__(
        self,
        given: str | Objective | Sequence[str | Objective] | Mapping[str, str] | None = None,
        constraints: Mapping[str, str] | Sequence[str] = (),
    ) -> None:
        self._aims = None if given is None else tuple(_read_objectives(given))
        self.limits = tuple(_read_limits(constraints))

    @property
    def aims(self) -> tuple[Objective, ...]:
        """The objectives; empty while they wait for the first result."""
        return self._aims or ()

    def settle(self, metrics: Figures) -> tuple[Objective, ...]:
        """The objectives, chosen by the names in `metrics` where none were given.

        Raises SearchError where no name in `metrics` says what is wanted.
        """
        if self._aims is None:
            name = next((name for name in metrics if _usual(name)), None)
            if name is None:
                listed = ", ".join(metrics) or "none"
                raise SearchError(
                    f'objectives: say which metric is wanted, such as {{"name": "max"}} (got: {listed})'
                )
            self._aims = (Objective(name, _usual(name) or "max"),)
        return self._aims

    # ------------------------------------------------------------ one trial

    def fault(self, metrics: Figures) -> str | None:
        """What keeps a trial from being judged: an objective or limited metric that is missing or not finite."""
        for name in dict.fromkeys([*(aim.name for aim in self.settle(metrics)), *(one.name for one in self.limits)]):
            if name not in metrics:
                return f"returned no {name!r}{suggest(name, metrics)}"
            if not math.isfinite(metrics[name]):
                return f"returned {metrics[name]} for {name!r}"
        return None

    def violation(self, metrics: Figures) -> float:
        """0 where all limits are met; infinite where a limited metric is missing."""
        values = [limit.violation(metrics.get(limit.name, math.nan)) for limit in self.limits]
        return math.inf if any(map(math.isnan, values)) else sum(values)

    def broken(self, metrics: Figures) -> tuple[Limit, ...]:
        """The limits that these metrics break; metrics that are not there break none."""
        return tuple(limit for limit in self.limits if limit.violation(metrics.get(limit.name, limit.bound)) > 0)

    # ------------------------------------------------------------ all trials

    def losses(self, history: Sequence[Figures]) -> NDArray[Any]:
        """float64 [n, k], all to be small; infinite where a trial failed or lacks the metric."""
        import numpy as np

        aims = self._aims or self._settled_by(history)
        signs = np.array([-1.0 if aim.direction == "max" else 1.0 for aim in aims])
        values = np.array(
            [[metrics.get(aim.name, math.nan) for aim in aims] for metrics in history], dtype=np.float64
        )
        losses = values.reshape(len(history), len(aims)) * signs
        return np.where(np.isfinite(losses).all(axis=1, keepdims=True), losses, np.inf)

    def _settled_by(self, history: Sequence[Figures]) -> tuple[Objective, ...]:
        first = next((metrics for metrics in history if any(map(_usual, metrics))), None)
        return self.settle(first) if first is not None else (Objective("value", "max"),)

    def scores(self, history: Sequence[Figures]) -> NDArray[Any]:
        """float64 [n], more is better.

        With one objective its value, signed. With several minus the rank of the trial's front, plus up to 1 by its
        crowding there. Below all of these what breaks a limit, the less the better; -inf what failed.
        """
        import numpy as np

        losses = self.losses(history)
        violations = np.array([self.violation(metrics) for metrics in history]).reshape(len(history))
        judged = np.isfinite(losses).all(axis=1) & np.isfinite(violations)
        allowed = judged & (violations == 0)
        scores = np.full(len(history), -np.inf)
        if allowed.any():
            scores[allowed] = _scores(losses[allowed])
        broken = judged & ~allowed
        floor = scores[allowed].min() if allowed.any() else 0.0
        scores[broken] = floor - 1.0 - violations[broken]
        return scores

    def front(self, history: Sequence[Figures]) -> list[int]:
        """The trials that no other dominates and that break no limit, by index, in order."""
        import numpy as np

        losses = self.losses(history)
        allowed = [i for i, m in enumerate(history) if np.isfinite(losses[i]).all() and self.violation(m) == 0]
        if not allowed:
            return []
        ranks = front_ranks(losses[allowed])
        return [index for index, rank in zip(allowed, ranks, strict=True) if rank == 0]

    def hypervolume(self, history: Sequence[Figures], reference: Figures) -> float:
        """What the front dominates up to `reference` (a value per objective), exactly."""
        front = self.front(history)
        if not front:
            return 0.0
        limit = self.losses([reference])[0]
        return hypervolume(self.losses([history[index] for index in front]), limit.tolist())

    def knee(self, history: Sequence[Figures]) -> int | None:
        """The index of the front's trial that is the best compromise; None where there is no front."""
        front = self.front(history)
        return front[knee(self.losses([history[index] for index in front]))] if front else None

    def to_dict(self) -> dict[str, Any]:
        """As JSON data: names with directions (None: not yet chosen), and limits as text."""
        aims = None if self._aims is None else {aim.name: aim.direction for aim in self._aims}
        return {"objectives": aims, "constraints": [str(limit) for limit in self.limits]}


def _scores(losses: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    if losses.shape[1] == 1:
        return -losses[:, 0]
    ranks = front_ranks(losses)
    scores = -ranks.astype(np.float64)
    for rank in range(int(ranks.max()) + 1):
        members = ranks == rank
        distances = crowding_distances(losses[members])
        scores[members] += 0.999 * (1.0 - 1.0 / (1.0 + distances))
    return scores


def _usual(name: str) -> Direction | None:
    for prefix in ("val_", "validation_", "test_"):
        name = name.removeprefix(prefix)
    return USUAL.get(name.lower())


def _read_objectives(given: Any) -> list[Objective]:
    if isinstance(given, Mapping):
        found = [_objective(name, direction) for name, direction in given.items()]
    else:
        several = [given] if isinstance(given, (str, Objective)) else list(given)
        found = [one if isinstance(one, Objective) else _objective(one, _usual(str(one)) or "max") for one in several]
    names = [one.name for one in found]
    if not names or len(set(names)) < len(names):
        raise SearchError(f"objectives: give at least one, each once, not {names}")
    return found


def _objective(name: Any, direction: Any) -> Objective:
    if not isinstance(name, str) or not name:
        raise SearchError(f"objectives: {name!r} is no name of a metric")
    if direction not in get_args(Direction):
        raise SearchError(f'objectives.{name}: give "max" or "min", not {direction!r}')
    return Objective(name, direction)


def _read_limits(given: Mapping[str, str] | Sequence[str]) -> list[Limit]:
    if isinstance(given, str):
        given = [given]
    if isinstance(given, Mapping):
        return [_limit(name, text) for name, text in given.items()]
    limits = []
    for text in given:
        parts = SENTENCE.fullmatch(str(text))
        if not parts:
            raise SearchError(f'constraints: {text!r} is not of the form "params <= 20000"')
        limits.append(_limit(parts[1], parts[2]))
    return limits


def _limit(name: str, text: Any) -> Limit:
    parts = LIMIT.fullmatch(str(text))
    try:
        if parts:
            return Limit(name, parts[1], float(parts[2]))
    except ValueError:
        pass
    raise SearchError(f'constraints.{name}: {text!r} is not of the form "<= 20000"')
