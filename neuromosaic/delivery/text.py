"""A run's results in words and rows: the same for the terminal, the card and the report."""

import math
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from neuromosaic.core.results import CandidateResult, ConstraintResult, Results
from neuromosaic.core.validation.constraints import in_words, judge_constraints
from neuromosaic.delivery.narration import number

Part = Literal["winner", "nearest", "Pareto set", "random search"]
RANDOM_SEARCH = "random_search"
_LIMITS = {"latency_ms": "latency", "memory_mb": "memory", "flops": "FLOPs"}


class Entry(NamedTuple):
    """A certified candidate, and what part it plays in the results."""

    part: Part
    candidate: CandidateResult


class Comparison(NamedTuple):
    """The chosen network beside one baseline, by the primary metric on the test split.

    `outcome` as in "it ... the baseline"; `clear`: the two intervals do not overlap (a baseline without one: it lies
    outside the network's), None where that is unknown.
    """

    baseline: str
    value: float
    outcome: Literal["beats", "equals", "does not beat"]
    clear: bool | None


# ---------------------------------------------------------------- who is who


def chosen(results: Results) -> CandidateResult | None:
    """What is delivered: the winner, or the nearest where there is none."""
    return results.winner or results.nearest


def entries(results: Results) -> list[Entry]:
    """The winner or the nearest, then the rest of the Pareto set, then the random-search baseline's best."""
    first: Part = "winner" if results.winner else "nearest"
    best = chosen(results)
    listed = [Entry(first, best)] if best else []
    listed += [Entry("Pareto set", other) for other in results.pareto if best is None or other.id != best.id]
    baseline = random_search(results)
    return listed + ([Entry("random search", baseline)] if baseline else [])


def random_search(results: Results) -> CandidateResult | None:
    found = results.baselines.get(RANDOM_SEARCH)
    return CandidateResult.model_validate(found) if found else None


def simple_baselines(results: Results) -> dict[str, Mapping[str, float]]:
    """Those that need no network, by name: figures like a candidate's `metrics`."""
    return {name: figures for name, figures in results.baselines.items() if name != RANDOM_SEARCH and figures}


def primary(results: Results) -> str:
    """The metric that candidates are ranked by, without "test_"."""
    if results.metric:
        return results.metric
    figures = [name for entry in entries(results) for name in entry.candidate.metrics]
    names = [name.removeprefix("test_") for name in figures if name.startswith("test_")]
    return next((name for name in names if name != "loss"), "loss")


# ---------------------------------------------------------------- figures in words


def words(name: str) -> str:
    """ "balanced_accuracy" as it reads."""
    return name.replace("_", " ")


def measure(value: float | None) -> str:
    """A metric in four significant digits, zeros at the end included, so that columns compare at a glance."""
    if value is None or not math.isfinite(value) or abs(value) >= 1000:
        return number(value)
    return f"{value:#.4g}"


def metric_with_interval(candidate: CandidateResult, metric: str, split: str = "test") -> str:
    """ "0.9820 (0.9640 to 0.9910)"."""
    key = f"{split}_{metric}"
    value = measure(candidate.metrics.get(key))
    interval = candidate.intervals.get(key)
    return f"{value} ({measure(interval[0])} to {measure(interval[1])})" if interval else value


def size_in_words(candidate: CandidateResult) -> str:
    """ "14,218", and "14,218 in int8" where its weights are that."""
    bits = "" if candidate.numbers == "float32" else f" in {candidate.numbers}"
    return number(candidate.parameters) + bits


def variant_file(variant: CandidateResult, delivered: CandidateResult) -> str:
    """ "model.int8.pt2" of the delivered network, "NAME.int8.pt2" of another."""
    name = "model" if variant.made_from == delivered.id else variant.name.removesuffix(f" in {variant.numbers}")
    return f"{name}.{variant.numbers}.pt2"


def limit_in_words(limit: ConstraintResult) -> str:
    """ "14,218 parameters, limit 20,000"; where it was missed, by how much."""
    return in_words(limit).removesuffix(": met")


def judged(results: Results, candidate: CandidateResult) -> list[ConstraintResult]:
    """The candidate against each limit of the brief."""
    figures = {
        "parameters": float(candidate.parameters), "flops": candidate.flops,
        "latency_ms": candidate.latency_ms.p50, "memory_mb": candidate.peak_memory_mb,
    }  # fmt: skip
    metrics = {name.removeprefix("test_"): v for name, v in candidate.metrics.items() if name.startswith("test_")}
    return judge_constraints(results.brief.constraints, figures, metrics)


def meets(results: Results, candidate: CandidateResult) -> str:
    limits = judged(results, candidate)
    if not limits:
        return "no limits given"
    missed = [_LIMITS.get(limit.name, words(limit.name)) for limit in limits if not limit.met]
    return f"no: {', '.join(missed)}" if missed else "yes"


# ---------------------------------------------------------------- the table


def rows(results: Results) -> tuple[list[str], list[list[str]]]:
    """Headers, and one row for each certified candidate and each baseline."""
    metric = primary(results)
    headers = ["candidate", "designed by", f"test {words(metric)}", "parameters", "latency", "memory",
               "meets the brief?"]  # fmt: skip
    body = [_row(results, entry, metric) for entry in entries(results)]
    for name, figures in simple_baselines(results).items():
        value = measure(figures.get(f"test_{metric}"))
        body.append([f"{words(name)} (baseline)", "no network", value, "-", "-", "-", "-"])
    return headers, body


def _row(results: Results, entry: Entry, metric: str) -> list[str]:
    part, candidate = entry
    marks = {"winner": " (winner)", "nearest": " (nearest)", "random search": " (baseline)", "Pareto set": ""}
    return [
        candidate.name + marks[part], candidate.designed_by, metric_with_interval(candidate, metric),
        size_in_words(candidate), f"{candidate.latency_ms.p50:.3g} ms", f"{candidate.peak_memory_mb:.3g} MB",
        meets(results, candidate),
    ]  # fmt: skip


# ---------------------------------------------------------------- the verdict


def headline(results: Results) -> str:
    """The answer in one sentence, with its figures."""
    best = chosen(results)
    if best is None:
        return f"{answer(results)}."
    metric = primary(results)
    figures = (
        f"test {words(metric)} {metric_with_interval(best, metric)}, {number(best.parameters)} parameters, "
        f"{best.latency_ms.p50:.3g} ms latency"
    )
    return f"{answer(results)}: {figures}."


def answer(results: Results) -> str:
    """Whether the brief is met, and by which network."""
    best = chosen(results)
    if best is None:
        return "The run ended without a certified network"
    stopped = "Stopped early. " if results.status == "stopped" else ""
    if results.winner:
        verdict = "meets the brief" if results.constraints else "is the best found; the brief sets no limits"
        return f"{stopped}{best.name} {verdict}"
    return f"{stopped}No candidate met the brief; {best.name} came nearest"


def verdict_lines(results: Results) -> list[str]:
    """The answer, each limit of the brief, and each baseline: a line each."""
    lines = [headline(results)]
    lines += [f"{'met' if limit.met else 'MISSED'}: {limit_in_words(limit)}" for limit in results.constraints]
    return lines + [in_words_of(comparison, primary(results)) for comparison in comparisons(results)]


def comparisons(results: Results) -> list[Comparison]:
    """The chosen network against the random-search baseline, then against those that need no network."""
    best, metric = chosen(results), primary(results)
    if best is None:
        return []
    rival = random_search(results)
    found = [_compare(best, "random search", rival.metrics, rival.intervals, metric)] if rival else []
    found += [_compare(best, name, figures, {}, metric) for name, figures in simple_baselines(results).items()]
    return [comparison for comparison in found if comparison is not None]


def in_words_of(comparison: Comparison, metric: str) -> str:
    within = comparison.clear is False and comparison.outcome != "equals"
    doubt = ", but within the uncertainty of the test split" if within else ""
    value = measure(comparison.value)
    return f"It {comparison.outcome} the baseline {words(comparison.baseline)} (test {words(metric)} {value}){doubt}."


def _compare(
    best: CandidateResult, name: str, figures: Mapping[str, float], intervals: Mapping[str, Any], metric: str
) -> Comparison | None:
    from neuromosaic.core.evaluation.metrics import is_better

    key = f"test_{metric}"
    ours, theirs = best.metrics.get(key), figures.get(key)
    if ours is None or theirs is None:
        return None
    outcome: Literal["beats", "equals", "does not beat"] = (
        "equals" if ours == theirs else "beats" if is_better(metric, ours, theirs) else "does not beat"
    )
    one, other = best.intervals.get(key), intervals.get(key)
    clear = (one[1] < other[0] or other[1] < one[0]) if one and other else _outside(theirs, one)
    return Comparison(name, theirs, outcome, clear)


def _outside(value: float, interval: tuple[float, float] | None) -> bool | None:
    return None if interval is None else not interval[0] <= value <= interval[1]
