"""How the trials of a search stand to one another."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.trials import Trial, Trials

ORDER = {"complete": 0, "pruned": 1, "paused": 1, "running": 2, "waiting": 2, "failed": 3}


def ranked(trials: Sequence[Trial], objectives: Objectives) -> list[Trial]:
    """The best first: complete ones by score, then pruned and paused ones by fidelity and score, failed ones last."""
    scores = objectives.scores([_judged(trial) for trial in trials])
    reached = [trial.fidelity or len(trial.curve) for trial in trials]

    def place(index: int) -> tuple[float, ...]:
        group = ORDER[trials[index].state]
        return group, -reached[index] if group == 1 else 0, -scores[index], trials[index].number

    return [trials[index] for index in sorted(range(len(trials)), key=place)]


def pareto_trials(trials: Sequence[Trial], objectives: Objectives) -> list[Trial]:
    """The complete trials that no other dominates, within the limits; the first of several with equal metrics."""
    done = [trial for trial in trials if trial.state == "complete"]
    front = [done[index] for index in objectives.front([trial.metrics for trial in done])]
    names = [aim.name for aim in objectives.aims]
    first: dict[tuple[float, ...], Trial] = {}
    for trial in front:
        first.setdefault(tuple(trial.metrics[name] for name in names), trial)
    return list(first.values())


def _judged(trial: Trial) -> dict[str, float]:
    return {} if trial.state == "failed" else trial.metrics


def counted(trials: Sequence[Trial]) -> dict[str, Any]:
    """How many trials there are in each state, from the cache, and why those failed that did."""
    states = Counter(trial.state for trial in trials)
    causes = Counter(trial.cause for trial in trials if trial.state == "failed")
    return {
        "trials": len(trials),
        **{str(state): states[state] for state in ("complete", "pruned", "paused", "failed") if states[state]},
        "cached": sum(trial.cached for trial in trials),
        **({"causes": dict(causes)} if causes else {}),
        "seconds": round(sum(trial.seconds for trial in trials), 3),
    }


def summed_up(trials: Trials, front: Sequence[Trial]) -> dict[str, Any]:
    """What was done and found, as JSON data; `fallbacks`: how often chance was taken for a failed model."""
    fallbacks = trials.by_chance
    best = [{"number": one.number, "point": one.point, "metrics": one.metrics} for one in front]
    counts = {**counted(trials.every), **({"fallbacks": fallbacks} if fallbacks else {})}
    return {**counts, "best": best, "notes": trials.notes}
