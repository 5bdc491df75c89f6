"""What the card and the report show, as plain values: the templates only lay it out."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from neuromosaic.core.results import CandidateResult, ConstraintResult, Results
from neuromosaic.delivery.contents import Delivery
from neuromosaic.delivery.history import GateVerdict
from neuromosaic.delivery.narration import duration, number
from neuromosaic.delivery.text import (
    chosen,
    comparisons,
    entries,
    in_words_of,
    limit_in_words,
    measure,
    metric_with_interval,
    primary,
    words,
)

DETAIL = 3000
"""Characters of one piece of evidence that the report quotes."""
MOMENTS = 400
"""Lines of the timeline that the report shows: the first and the last ones where there are more."""


class Tile(NamedTuple):
    """One headline figure. `met` None: the brief sets no limit; `share` of an upper limit that is used up, in %."""

    label: str
    value: str
    note: str
    met: bool | None
    evidence: str
    share: float | None


class Figure(NamedTuple):
    """One figure of the delivered network, and the id of what it was taken from."""

    name: str
    value: str
    evidence: str


class Proof(NamedTuple):
    """One piece of evidence: which figures stand on it, and what is stored under its id."""

    id: str
    kind: str
    figures: tuple[str, ...]
    detail: str


# ---------------------------------------------------------------- the delivered network


def tiles(results: Results) -> list[Tile]:
    """The metric, the size, the speed and the memory, each beside its limit."""
    best = chosen(results)
    if best is None:
        return []
    metric = primary(results)
    limits = {limit.name: limit for limit in results.constraints}
    return [
        _metric_tile(best, metric, limits.get(metric)),
        _tile(best, "parameters", number(best.parameters), "parameters", limits.get("parameters")),
        _tile(best, "latency", f"{best.latency_ms.p50:.3g} ms", "latency_ms.p50", limits.get("latency_ms")),
        _tile(best, "peak memory", f"{best.peak_memory_mb:.3g} MB", "peak_memory_mb", limits.get("memory_mb")),
    ]


def _metric_tile(best: CandidateResult, metric: str, limit: ConstraintResult | None) -> Tile:
    value = measure(best.metrics.get(f"test_{metric}"))
    interval = best.intervals.get(f"test_{metric}")
    notes = [f"95%: {measure(interval[0])} to {measure(interval[1])}"] if interval else []
    notes += [limit_in_words(limit).partition(", ")[2]] if limit and limit.value is not None else []
    met = limit.met if limit else None
    return Tile(
        f"test {words(metric)}", value, "; ".join(notes), met, best.evidence.get(f"metrics.test_{metric}", ""), None
    )


def _tile(best: CandidateResult, label: str, value: str, path: str, limit: ConstraintResult | None) -> Tile:
    evidence = best.evidence.get(path, "")
    if limit is None:
        return Tile(label, value, "no limit given", None, evidence, None)
    share = min(100.0, 100 * limit.value / limit.limit) if limit.value is not None and limit.limit else None
    note = limit_in_words(limit).partition(", ")[2]
    return Tile(label, value, note, limit.met, evidence, share)


def figures(results: Results) -> list[Figure]:
    """Every figure of the delivered network."""
    best = chosen(results)
    if best is None:
        return []
    metrics = [(_metric_name(name), _with_interval(best, name), f"metrics.{name}") for name in best.metrics]
    measured = [
        ("parameters", number(best.parameters), "parameters"),
        ("FLOPs, one example", number(best.flops), "flops"),
        (f"latency, batch of {best.latency_ms.batch}", _latency(best), "latency_ms.p50"),
        ("peak memory", f"{best.peak_memory_mb:.3g} MB", "peak_memory_mb"),
        *_covered(best),
    ]  # fmt: skip
    return [Figure(name, value, best.evidence.get(path, "")) for name, value, path in [*metrics, *measured]]


def _covered(best: CandidateResult) -> list[tuple[str, str, str]]:
    share = best.coverage
    return [] if share is None else [("model.py that its tests come through", f"{100 * share:.0f} %", "coverage")]


def _metric_name(name: str) -> str:
    return words(f"validation_{name.removeprefix('val_')}" if name.startswith("val_") else name)


def _latency(candidate: CandidateResult) -> str:
    measured = candidate.latency_ms
    return f"{measured.p50:.3g} ms (median; p95 {measured.p95:.3g})"


def _with_interval(candidate: CandidateResult, name: str) -> str:
    split, _, metric = name.partition("_")
    return metric_with_interval(candidate, metric, split)


def settings(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and values of a recipe, a constructor or an environment, as rows; what is None or empty is left out."""
    shown = {**values, "loss_graph": "that of loss.py" if values.get("loss_graph") else None}
    return [(words(name), _setting(value)) for name, value in shown.items() if value not in (None, "", (), [])]


def _setting(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_setting, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def limit_lines(results: Results) -> list[tuple[bool, str]]:
    """(met, in words) for each limit of the brief."""
    return [(limit.met, limit_in_words(limit)) for limit in results.constraints]


def comparison_lines(results: Results) -> list[str]:
    return [in_words_of(comparison, primary(results)) for comparison in comparisons(results)]


# ---------------------------------------------------------------- tests, evidence, time


def gate_names(delivery: Delivery) -> list[str]:
    return list(dict.fromkeys(verdict.gate for verdict in delivery.history.gates))


def gate_grid(delivery: Delivery) -> list[tuple[str, list[GateVerdict | None]]]:
    """Per family its last verdict at each gate, in the order of `gate_names`."""
    last = {(verdict.family, verdict.gate): verdict for verdict in delivery.history.gates}
    families = dict.fromkeys(verdict.family for verdict in delivery.history.gates)
    names = delivery.history.families
    return [
        (
            f"{names[family]} ({family})" if family in names else family,
            [last.get((family, gate)) for gate in gate_names(delivery)],
        )
        for family in families
    ]


def gate_findings(delivery: Delivery) -> list[tuple[str, str, str]]:
    """(family, gate, what was found), errors and warnings alike, in order."""
    return [
        (verdict.family, verdict.gate, finding) for verdict in delivery.history.gates for finding in verdict.findings
    ]


def proofs(delivery: Delivery) -> list[Proof]:
    """Every piece of evidence that a figure or a verdict of the report points to, in the order of its first use."""
    used: dict[str, list[str]] = {}
    for entry in entries(delivery.results):
        for path, evidence in entry.candidate.evidence.items():
            used.setdefault(evidence, []).append(f"{entry.candidate.name}: {path}")
    for verdict in delivery.history.gates:
        if verdict.evidence:
            used.setdefault(verdict.evidence, []).append(f"{verdict.family}: gate {verdict.gate}")
    return [_proof(evidence, names, delivery.evidence.get(evidence)) for evidence, names in used.items()]


def _proof(evidence: str, names: Iterable[str], stored: Mapping[str, Any] | None) -> Proof:
    text = json.dumps(stored, indent=1, ensure_ascii=False, default=str) if stored else ""
    short = (
        text if len(text) <= DETAIL else f"{text[:DETAIL]}\n… ({len(text) - DETAIL:,} characters more in the store)"
    )
    return Proof(evidence, str((stored or {}).get("kind", "")), tuple(names), short)


class Step(NamedTuple):
    """One decision: `when` since the start, `by` a role or "core", `client` who sat there."""

    when: str
    by: str
    client: str
    what: str
    why: str


def decisions(delivery: Delivery) -> list[Step]:
    """Who decided what, in order."""
    told = delivery.history.timeline
    start = told[0].time if told else 0.0
    return [
        Step(f"+{duration(one.time - start)}" if one.time is not None else "", one.by, one.client,
             _seated(one.what, delivery.history.families), one.why)
        for one in delivery.history.decisions
    ]  # fmt: skip


def _seated(what: str, families: Mapping[str, str]) -> str:
    """A family by its name, where only its seat is told."""
    head, told, seat = what.partition("the family of seat ")
    return f"{head}{families[seat]} (seat {seat})" if told and seat in families else what


def phases(delivery: Delivery) -> list[tuple[str, str, float]]:
    """(phase, its time in words, its share of all in %)."""
    known = delivery.history.phases
    total = sum(phase.seconds for phase in known)
    return [(one.name, duration(one.seconds), 100 * one.seconds / total) for one in known if total]


def costs(delivery: Delivery) -> list[tuple[str, ...]]:
    """By model client: calls, answers from the store, tokens asked and answered, time, money."""
    return [
        (
            one.model,
            *map(number, (one.calls, one.reused, one.prompt_tokens, one.completion_tokens)),
            duration(one.seconds), "-" if one.cost_usd is None else f"${one.cost_usd:.4f}",
        )
        for one in delivery.history.usage
    ]  # fmt: skip


def mutants(delivery: Delivery) -> dict[str, list[Mapping[str, Any]]]:
    """Broken variants by their fate, the survivors first."""
    order = ("survived", "killed", "equivalent")
    found = {fate: [row for row in delivery.mutants if row["fate"] == fate] for fate in order}
    return {fate: rows for fate, rows in found.items() if rows}


def best_trials(delivery: Delivery, most: int) -> list[tuple[str, ...]]:
    """Trials of search and baseline, the best first: name, who drew it, parameters, share of a training, metric."""
    from neuromosaic.core.evaluation.metrics import higher_is_better

    sign = -1 if higher_is_better(primary(delivery.results)) else 1
    known = [trial for trial in delivery.history.trials if trial.value == trial.value]
    ranked = sorted(known, key=lambda trial: (sign * trial.value, trial.parameters))
    return [
        (x.name, words(x.contestant), number(x.parameters), f"{x.fidelity:.0%}", measure(x.value))
        for x in ranked[:most]
    ]


def signals(results: Results) -> list[tuple[str, ...]]:
    """Cheap signals: name, Spearman with the trials, its interval, how many, and what became of it."""
    return [
        (
            words(one.name), "-" if one.correlation is None else f"{one.correlation:.2f}",
            f"{one.interval[0]:.2f} to {one.interval[1]:.2f}", str(one.trials),
            "tells something" if one.used else "dropped: may be chance",
        )
        for one in results.signals
    ]  # fmt: skip


def loss_pairs(results: Results) -> list[tuple[str, ...]]:
    """Networks that were trained with the usual loss and with a proposed one: name, and the metric with each."""
    pairs = results.loss.pairs if results.loss else []
    return [(one.name, measure(one.usual), measure(one.proposed)) for one in pairs]


def moments(delivery: Delivery) -> list[tuple[str, str, bool]]:
    """(time since the start, line, whether it is a detail); a gap is told where lines are left out."""
    told = delivery.history.timeline
    lines = [(f"+{duration(moment.time - told[0].time)}", moment.text, moment.detail) for moment in told]
    if len(lines) <= MOMENTS:
        return lines
    half = MOMENTS // 2
    gap = ("", f"… {len(lines) - 2 * half:,} lines left out …", False)
    return [*lines[:half], gap, *lines[-half:]]


def spent(delivery: Delivery) -> str:
    """Time, trials, calls, tokens and money."""
    history = delivery.history
    parts = [f"{duration(history.seconds)} of work"] if history.seconds is not None else []
    if history.trials:
        parts.append(f"{len(history.trials)} trials, the baseline's included")
    if history.calls:
        parts.append(f"{history.calls} model calls, {number(history.tokens)} tokens")
    if history.cost_usd is not None:
        parts.append(f"${history.cost_usd:.2f}")
    return ", ".join(parts)
