"""The table of candidates and baselines: each beside the others on one scale, each figure with its evidence."""

import math
from collections.abc import Iterable
from typing import NamedTuple

from neuromosaic.core.results import CandidateResult, Results
from neuromosaic.delivery.plots.pareto import FAR
from neuromosaic.delivery.plots.scale import Scale, short
from neuromosaic.delivery.text import entries, measure, meets, primary, simple_baselines, size_in_words, words


class Cell(NamedTuple):
    """A figure, and the id of what it was taken from ("" where it has none)."""

    value: str
    evidence: str = ""


class Strip(NamedTuple):
    """Where a value and its interval lie on the common scale, in %; None where that is off it, to one `side`."""

    at: float | None
    low: float | None
    high: float | None
    side: str = ""


class Standing(NamedTuple):
    """One row. `part` "winner", "nearest", "Pareto set", "random search" or "baseline"."""

    name: str
    part: str
    designed_by: str
    metric: Cell
    interval: str
    strip: Strip
    figures: tuple[Cell, ...]
    meets: str


class Standings(NamedTuple):
    """`headers` of the `figures`; `ends` of the common scale in words; `bound`: the brief's, in % of it."""

    metric: str
    headers: tuple[str, ...]
    rows: list[Standing]
    ends: tuple[str, str]
    bound: float | None


HEADERS = ("parameters", "FLOPs", "latency", "memory")


def standings(results: Results) -> Standings:
    """Every certified candidate, then every baseline that needs no network."""
    metric = primary(results)
    scale = _scale(results, metric)
    rows = [_candidate(results, part, one, metric, scale) for part, one in entries(results)]
    for name, figures in simple_baselines(results).items():
        value = figures.get(f"test_{metric}")
        none = tuple(Cell("") for _ in HEADERS)
        strip = _strip(value, None, scale)
        rows.append(Standing(words(name), "baseline", "no network", Cell(measure(value)), "", strip, none, ""))
    bound = results.brief.constraints.metrics.get(metric)
    placed = scale.at(bound) if bound is not None and scale.holds(bound) else None
    return Standings(f"test {words(metric)}", HEADERS, rows, (f"{scale.low:.3g}", f"{scale.high:.3g}"), placed)


def _candidate(results: Results, part: str, one: CandidateResult, metric: str, scale: Scale) -> Standing:
    key = f"test_{metric}"
    interval = one.intervals.get(key)
    figures = (
        Cell(size_in_words(one), one.evidence.get("parameters", "")),
        Cell(short(one.flops), one.evidence.get("flops", "")),
        Cell(f"{one.latency_ms.p50:.3g} ms", one.evidence.get("latency_ms.p50", "")),
        Cell(f"{one.peak_memory_mb:.3g} MB", one.evidence.get("peak_memory_mb", "")),
    )
    said = f"{measure(interval[0])} to {measure(interval[1])}" if interval else ""
    value = one.metrics.get(key)
    metric_cell = Cell(measure(value), one.evidence.get(f"metrics.{key}", ""))
    strip = _strip(value, interval, scale)
    return Standing(one.name, part, one.designed_by, metric_cell, said, strip, figures, meets(results, one))


def _scale(results: Results, metric: str) -> Scale:
    """All certified candidates and the brief's bound, and the baselines that lie no further off than `FAR` spans."""
    key = f"test_{metric}"
    shown = [entry.candidate for entry in entries(results)]
    values = _known(one.metrics.get(key) for one in shown)
    values += _known(end for one in shown for end in one.intervals.get(key, ()))
    values += _known([results.brief.constraints.metrics.get(metric)])
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    span = (high - low) or abs(high) * 0.1 or 1.0
    near = _known(figures.get(key) for figures in simple_baselines(results).values())
    kept = [value for value in near if low - FAR * span <= value <= high + FAR * span]
    low, high = min([low, *kept]), max([high, *kept])
    margin = 0.06 * ((high - low) or span)
    return Scale(low - margin, high + margin, 0.0, 100.0)


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None and math.isfinite(value)]


def _strip(value: float | None, interval: tuple[float, float] | None, scale: Scale) -> Strip:
    if value is None or math.isnan(value):
        return Strip(None, None, None)
    if not scale.holds(value):
        return Strip(None, None, None, "left" if value < scale.low else "right")
    if interval is None or not all(map(math.isfinite, interval)):
        return Strip(scale.at(value), None, None)
    return Strip(scale.at(value), scale.at(interval[0]), scale.at(interval[1]))
