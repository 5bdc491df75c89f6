"""The metric against what it costs, as SVG that answers to pointer and keyboard without a script."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import NamedTuple

from neuromosaic.core.results import CandidateResult, Results
from neuromosaic.delivery.history import Trial
from neuromosaic.delivery.narration import number
from neuromosaic.delivery.plots.drawing import thinned
from neuromosaic.delivery.plots.labels import Box, Labels, text_width
from neuromosaic.delivery.plots.scale import Scale, short
from neuromosaic.delivery.plots.svg import cut, line, text
from neuromosaic.delivery.text import Entry, Part, entries, metric_with_interval, primary, simple_baselines, words


class Cost(NamedTuple):
    """What stands on the horizontal axis, and its name among the brief's limits, "" where they know nothing of it."""

    name: str
    label: str
    limit: str
    of: Callable[[CandidateResult], float]


class Size(NamedTuple):
    width: float
    height: float


PARAMETERS = Cost("parameters", "parameters", "parameters", lambda candidate: float(candidate.parameters))
FLOPS = Cost("FLOPs", "FLOPs for one example", "flops", lambda candidate: candidate.flops)
WEIGHTS = Cost("weights", "bytes of weights", "", lambda candidate: float(weights_of(candidate)))
LATENCY = Cost("latency", "latency, ms (median)", "latency_ms", lambda candidate: candidate.latency_ms.p50)

WIDE, NARROW = Size(760, 360), Size(360, 320)
"""Units are pixels of a desktop and of a phone: text keeps its size on both."""

FAR = 3.0
"""A baseline further off than so many times what the candidates span is left out: it would flatten the plot."""
LEFT, RIGHT, TOP, BOTTOM = 52.0, 10.0, 42.0, 38.0
"""Around the plot: ticks and axis titles, and the legend."""

_COLOURS: dict[Part, str] = {"winner": "two", "nearest": "two", "Pareto set": "one", "random search": "three"}
_STAR = "M0-9L2.4-2.9 8.6-2.8 3.8 1.1 5.4 7.3 0 3.7-5.4 7.3-3.8 1.1-8.6-2.8-2.4-2.9z"
_SHAPES: dict[Part, str] = {
    "winner": _STAR, "nearest": _STAR, "Pareto set": "M0-5.5A5.5 5.5 0 1 0 .01-5.5z",
    "random search": "M0-6.5L6.5 5.5H-6.5z",
}  # fmt: skip


def metric_against(results: Results, cost: Cost, name: str, trials: Sequence[Trial] = (), size: Size = NARROW) -> str:
    """The certified candidates by name with their intervals, the front, the brief's limits, and the search's trials.

    A mark shows its figures under the pointer or the keyboard's focus. `name` must be unique on the page. "" where no
    certified candidate has the metric.
    """
    metric = primary(results)
    key = f"test_{metric}"
    shown = [entry for entry in entries(results) if math.isfinite(entry.candidate.metrics.get(key, math.nan))]
    if not shown:
        return ""
    return _Picture(results, cost, name, size, shown).drawn(trials if cost.name == "parameters" else ())


class _Picture:
    """One drawing: its scales, and its layers from back to front."""

    def __init__(self, results: Results, cost: Cost, name: str, size: Size, shown: Sequence[Entry]) -> None:
        self._results, self._cost, self._name, self._size, self._shown = results, cost, name, size, shown
        self._metric = primary(results)
        self._more = _more_is_better(self._metric)
        self._limit: float | None = getattr(results.brief.constraints, cost.limit, None)
        self._bound = results.brief.constraints.metrics.get(self._metric)
        self._x = self._across()
        self._y = Scale(*self._vertical(), size.height - BOTTOM, TOP)
        self._labels = Labels(Box(LEFT, TOP, size.width - RIGHT, size.height - BOTTOM))

    def drawn(self, trials: Sequence[Trial]) -> str:
        title = f"test {words(self._metric)} against {self._cost.label}"
        places = [(self._x.at(self._cost.of(e.candidate)), self._y.at(self._value(e))) for e in self._shown]
        marked = list(enumerate(zip(self._shown, places, strict=True)))
        self._labels.taken += [box for _, (entry, place) in marked for box in self._covered(entry, *place)]
        layers = [
            *self._axes(), *self._limits(), *self._front(), *self._dots(trials), *self._baselines(),
            *(self._mark(n, entry, *place) for n, (entry, place) in reversed(marked)),
            *(self._named(entry, *place) for _, (entry, place) in marked if not self._is_named(entry)),
            *(self._tip(n, entry, *place) for n, (entry, place) in marked),
        ]  # fmt: skip
        reached = ",".join(
            f".{self._name}-m{n}:{state}~.{self._name}-t{n}"
            for n in range(len(self._shown))
            for state in ("hover", "focus")
        )
        style = f"<style>{reached}{{visibility:visible}}</style>"
        return (
            f'<svg viewBox="0 0 {self._size.width:g} {self._size.height:g}" role="group" '
            f'aria-label="{escape(title)}" font-size="11">{style}{self._legend(bool(trials))}{"".join(layers)}</svg>'
        )

    # ------------------------------------------------------------ scales

    def _value(self, entry: Entry) -> float:
        return entry.candidate.metrics[f"test_{self._metric}"]

    def _interval(self, entry: Entry) -> tuple[float, float]:
        """Nothing but the value where it has none, or one without an end."""
        found = entry.candidate.intervals.get(f"test_{self._metric}", ())
        return found if found and all(map(math.isfinite, found)) else (self._value(entry), self._value(entry))

    def _across(self) -> Scale:
        """Certified candidates and the limit always fit; on a log scale where they lie far apart."""
        costs = [self._cost.of(entry.candidate) for entry in self._shown]
        costs += [self._limit] if self._limit else []
        start, end = LEFT, self._size.width - RIGHT
        if min(costs) > 0 and max(costs) > 8 * min(costs):
            return Scale(min(costs) / 1.6, max(costs) * 1.6, start, end, log=True)
        return Scale(0, max(costs) * 1.18 or 1, start, end)

    def _vertical(self) -> tuple[float, float]:
        key = f"test_{self._metric}"
        values = [self._value(entry) for entry in self._shown]
        values += [bound for entry in self._shown for bound in self._interval(entry)]
        values += [self._bound] if self._bound is not None else []
        low, high = min(values), max(values)
        span = (high - low) or abs(high) * 0.1 or 1.0
        for figures in simple_baselines(self._results).values():
            if (value := figures.get(key)) is not None and low - FAR * span <= value <= high + FAR * span:
                low, high = min(low, value), max(high, value)
        margin = 0.08 * (high - low) or span
        return low - margin, high + margin

    # ------------------------------------------------------------ behind the marks

    def _axes(self) -> Iterator[str]:
        left, right, bottom = LEFT, self._size.width - RIGHT, self._size.height - BOTTOM
        for value in self._y.ticks():
            y = self._y.at(value)
            yield line(left, y, right, y, "rule", 0.7) + text(left - 6, y + 3.5, short(value), "soft", "end")
        for value in self._x.ticks(7 if self._size.width > 500 else 5):
            x = self._x.at(value)
            yield line(x, bottom, x, bottom + 4, "rule", 1) + text(x, bottom + 16, short(value), "soft", "middle")
        yield line(left, bottom, right, bottom, "rule", 1)
        yield text((left + right) / 2, self._size.height - 4, self._cost.label, "soft", "middle")
        better = "higher" if self._more else "lower"
        yield text(2, TOP - 10, f"test {words(self._metric)} ({better} is better)", "soft")

    def _limits(self) -> Iterator[str]:
        """What lies beyond a limit is shaded."""
        left, right, bottom = LEFT, self._size.width - RIGHT, self._size.height - BOTTOM
        if self._limit is not None and self._x.holds(self._limit):
            x = self._x.at(self._limit)
            self._labels.taken.append(Box(x - 2, TOP, x + 2, bottom))
            yield _shade(x, TOP, right, bottom) + line(x, TOP, x, bottom, "limit", 1.4, "5 3")
        if self._bound is not None:
            y = self._y.at(self._bound)
            yield _shade(left, y, right, bottom) if self._more else _shade(left, TOP, right, y)
            yield line(left, y, right, y, "limit", 1.4, "5 3")

    def _front(self) -> Iterator[str]:
        """Stairs through what nothing else beats in both."""
        best: list[tuple[float, float]] = []
        for entry in sorted(self._shown, key=lambda entry: self._cost.of(entry.candidate)):
            value = self._value(entry)
            if not best or (value > best[-1][1] if self._more else value < best[-1][1]):
                best.append((self._cost.of(entry.candidate), value))
        if len(best) > 1:
            path = f"M{self._x.at(best[0][0]):.1f} {self._y.at(best[0][1]):.1f}" + "".join(
                f"H{self._x.at(cost):.1f}V{self._y.at(value):.1f}" for cost, value in best[1:]
            )
            yield f'<path d="{path}" fill="none" stroke="var(--one)" stroke-width="1.2" opacity=".6"/>'

    def _dots(self, trials: Sequence[Trial]) -> Iterator[str]:
        """Trials by their validation metric, after a part of a training: where the search has looked."""
        for trial in thinned([trial for trial in trials if trial.value == trial.value]):
            if self._x.holds(trial.parameters) and self._y.holds(trial.value):
                yield (
                    f'<circle cx="{self._x.at(trial.parameters):.1f}" cy="{self._y.at(trial.value):.1f}" r="2.6" '
                    f'fill="var(--soft)" opacity=".65"><title>{escape(trial.name)}: {number(trial.parameters)} '
                    f"parameters, {number(trial.value)} on validation</title></circle>"
                )

    def _baselines(self) -> Iterator[str]:
        """Those that need no network, where they fall inside."""
        right = self._size.width - RIGHT
        for name, figures in simple_baselines(self._results).items():
            value = figures.get(f"test_{self._metric}")
            if value is not None and self._y.holds(value):
                y = self._y.at(value)
                yield line(LEFT, y, right, y, "soft", 1, "1.5 3")
                label = words(name)
                self._labels.taken.append(Box(right - text_width(label), y - 14, right, y))
                yield text(right - 2, y - 4, label, "soft", "end")

    # ------------------------------------------------------------ marks

    def _mark(self, place: int, entry: Entry, x: float, y: float) -> str:
        low, high = self._interval(entry)
        up, down, colour = self._y.at(high), self._y.at(low), f"var(--{_COLOURS[entry.part]})"
        whisker = f"M{x:.1f} {up:.1f}V{down:.1f}M{x - 4:.1f} {up:.1f}h8M{x - 4:.1f} {down:.1f}h8"
        return (
            f'<g class="mark {self._name}-m{place}" tabindex="0" role="img" '
            f'aria-label="{escape("; ".join(self._lines(entry)))}">'
            f'<path d="{whisker}" stroke="{colour}" stroke-width="1.4" fill="none"/>'
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="12" fill="transparent"/>'
            f'<path d="{_SHAPES[entry.part]}" transform="translate({x:.1f} {y:.1f})" fill="{colour}"/></g>'
        )

    def _covered(self, entry: Entry, x: float, y: float) -> list[Box]:
        """What a mark and its whisker take."""
        low, high = self._interval(entry)
        return [Box(x - 9, y - 9, x + 9, y + 9), Box(x - 5, self._y.at(high), x + 5, self._y.at(low))]

    def _is_named(self, entry: Entry) -> bool:
        """A network that was found twice is named once."""
        before = self._shown[: self._shown.index(entry)]
        return any(other.candidate.id == entry.candidate.id for other in before)

    def _named(self, entry: Entry, x: float, y: float) -> str:
        """The name beside its mark, where there is room."""
        name = cut(entry.candidate.name, 30)
        low, high = self._interval(entry)
        found = self._labels.place(x, y, text_width(name), (self._y.at(high), self._y.at(low)))
        return text(found.left, found.bottom - 3, name, "ink") if found else ""

    def _tip(self, place: int, entry: Entry, x: float, y: float) -> str:
        lines = [cut(said, 46) for said in self._lines(entry)]
        width, height = min(max(map(text_width, lines)) + 18, self._size.width - 8), 15 * len(lines) + 12
        left = x + 14 if x + 14 + width < self._size.width else max(4.0, x - 14 - width)
        top = min(max(2.0, y - height / 2), self._size.height - height - 2)
        if left <= x <= left + width:  # on a phone it may be as wide as the plot: then above or below the mark
            top = y + 16 if y + 16 + height < self._size.height else max(2.0, y - 16 - height)
        said = "".join(
            text(left + 9, top + 18 + 15 * n, told, "ink" if n == 0 else "soft", weight="600" if n == 0 else "")
            for n, told in enumerate(lines)
        )
        return (
            f'<g class="{self._name}-t{place}" visibility="hidden" pointer-events="none" aria-hidden="true">'
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" rx="6" '
            f'fill="var(--card)" stroke="var(--soft)"/>{said}</g>'
        )

    def _lines(self, entry: Entry) -> list[str]:
        part, one = entry
        return [
            one.name, f"{part}, designed by {one.designed_by}",
            f"test {words(self._metric)} {metric_with_interval(one, self._metric)}",
            f"{number(one.parameters)} parameters{_bytes(one)}, {short(one.flops)} FLOPs",
            f"{one.latency_ms.p50:.3g} ms latency",
        ]  # fmt: skip

    def _legend(self, trials: bool) -> str:
        parts = list(dict.fromkeys(entry.part for entry in self._shown))
        x, said = 10.0, ""
        for part in parts:
            said += f'<path d="{_SHAPES[part]}" transform="translate({x:.1f} 11) scale(.8)" '
            said += f'fill="var(--{_COLOURS[part]})"/>' + text(x + 10, 15, part, "ink")
            x += 24 + text_width(part)
        if trials:
            said += f'<circle cx="{x:.1f}" cy="11" r="2.6" fill="var(--soft)"/>' + text(x + 8, 15, "trial", "ink")
            x += 20 + text_width("trial")
        if self._limit is not None or self._bound is not None:
            said += line(x - 4, 11, x + 12, 11, "limit", 1.4, "5 3") + text(x + 17, 15, "limit", "ink")
        return said


def weights_of(candidate: CandidateResult) -> int:
    """Bytes; an older run's networks are float32."""
    return candidate.weights_bytes or 4 * candidate.parameters


def _bytes(candidate: CandidateResult) -> str:
    if candidate.numbers == "float32":
        return ""
    return f" in {candidate.numbers}, {number(weights_of(candidate))} bytes"


def _shade(left: float, top: float, right: float, bottom: float) -> str:
    return (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{max(0, right - left):.1f}" height="{max(0, bottom - top):.1f}" '
        'fill="var(--limit)" opacity=".07"/>'
    )


def _more_is_better(metric: str) -> bool:
    from neuromosaic.core.evaluation.metrics import higher_is_better

    return higher_is_better(metric)
