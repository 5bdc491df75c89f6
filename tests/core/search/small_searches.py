"""Searches that take no time."""

from typing import Any

from neuromosaic.search import ArchitectureSearch, SearchSpace, Trial

SPACE = SearchSpace({"x": {"type": "float", "min": -5, "max": 5}, "y": {"type": "int", "min": 0, "max": 9}})
SMALL = SearchSpace({"y": {"type": "ordinal", "values": list(range(10))}})


def bowl(point: dict[str, Any]) -> float:
    return -((point["x"] - 1) ** 2) - float(point["y"])


def search(**given: Any) -> ArchitectureSearch:
    return ArchitectureSearch(**{"space": SPACE, "evaluator": bowl, "strategy": "random", "max_trials": 12, **given})


def essence(trials: list[Trial]) -> list[Any]:
    """What must be equal bit for bit; times are exempt."""
    return [(t.number, t.point, t.state, t.metrics, t.fidelity, t.cause, t.curve) for t in trials]
