"""A candidate against the brief's limits."""

import math
from collections.abc import Iterable, Mapping

from neuromosaic.core.brief import Constraints
from neuromosaic.core.results import ConstraintResult

_OVER = {
    "parameters": ("{:,.0f} parameters", "{:,.0f}", "too many"),
    "flops": ("{:,.0f} FLOPs", "{:,.0f}", "too many"),
    "latency_ms": ("{:.4g} ms latency", "{:.4g} ms", "too much"),
    "memory_mb": ("{:.4g} MB of memory", "{:.4g} MB", "too much"),
}
"""Per figure: how a value is said, how a limit is said, and what a value above it is."""


def judge_constraints(
    constraints: Constraints, figures: Mapping[str, float], metrics: Mapping[str, float]
) -> list[ConstraintResult]:
    """One result per limit of the brief; those that nobody measured (or came out NaN) are not met.

    `figures` by the names of Constraints: "parameters", "flops", "latency_ms", "memory_mb"; `metrics` by their own.
    """
    limits = {name: limit for name in _OVER if (limit := getattr(constraints, name)) is not None}
    results = [_judge(name, limit, figures.get(name), more_is_better=False) for name, limit in limits.items()]
    for name, limit in constraints.metrics.items():
        results.append(_judge(name, limit, metrics.get(name), more_is_better=_more_is_better(name)))
    return results


def _judge(name: str, limit: float, value: float | None, *, more_is_better: bool) -> ConstraintResult:
    if value is None or math.isnan(value):
        return ConstraintResult(name=name, limit=limit, value=None, met=False)
    met = value >= limit if more_is_better else value <= limit
    return ConstraintResult(name=name, limit=limit, value=value, met=met)


def shortfall(results: Iterable[ConstraintResult]) -> float:
    """The sum of the misses, each as a share of its limit (of 1 where the limit is 0): 0.0 where all are met.

    A limit that nobody measured counts as missed without end: a candidate with figures is nearer.
    """
    return sum(_miss(result) for result in results if not result.met)


def _miss(result: ConstraintResult) -> float:
    return math.inf if result.value is None else abs(result.value - result.limit) / (abs(result.limit) or 1.0)


def in_words(result: ConstraintResult) -> str:
    """ "52,114 parameters, limit 20,000: 2.6 times too many"."""
    return _figure_in_words(result) if result.name in _OVER else _metric_in_words(result)


def _figure_in_words(result: ConstraintResult) -> str:
    said, bound, over = _OVER[result.name]
    limit = bound.format(result.limit)
    if result.value is None:
        return f"{result.name}: limit {limit}, never measured"
    text = f"{said.format(result.value)}, limit {limit}"
    if result.met:
        return f"{text}: met"
    if result.limit and result.value >= 1.1 * result.limit:
        return f"{text}: {result.value / result.limit:.1f} times {over}"
    return f"{text}: {bound.format(result.value - result.limit)} {over}"


def _metric_in_words(result: ConstraintResult) -> str:
    more = _more_is_better(result.name)
    wanted = f"{'at least' if more else 'at most'} {result.limit:.4g} wanted"
    if result.value is None:
        return f"{result.name}: {wanted}, never measured"
    miss = f"{abs(result.value - result.limit):.2g} too {'low' if more else 'high'}"
    return f"{result.name} {result.value:.4g}, {wanted}: {'met' if result.met else miss}"


def _more_is_better(name: str) -> bool:
    from neuromosaic.core.evaluation.metrics import higher_is_better

    return higher_is_better(name)
