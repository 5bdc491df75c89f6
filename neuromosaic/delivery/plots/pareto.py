"""The metric against what it costs: parameters, latency."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from neuromosaic.core.results import CandidateResult, Results
from neuromosaic.delivery.history import Trial
from neuromosaic.delivery.plots.drawing import Canvas, color, legend_above, log_scale, thinned
from neuromosaic.delivery.text import Entry, Part, entries, primary, simple_baselines, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Cost(NamedTuple):
    """What stands on the horizontal axis, and its name among the brief's limits."""

    label: str
    limit: str
    of: Callable[[CandidateResult], float]


PARAMETERS = Cost("parameters", "parameters", lambda candidate: float(candidate.parameters))
LATENCY = Cost("latency, ms (median)", "latency_ms", lambda candidate: candidate.latency_ms.p50)

FAR = 3.0
"""A baseline further off than so many times what the candidates span is left out: it would flatten the plot."""
TRIAL, LIMIT = "trial (validation)", "limit"

_MARKS: dict[Part, tuple[str, str, float]] = {
    "winner": ("*", "two", 15), "nearest": ("*", "two", 15), "Pareto set": ("o", "one", 7),
    "random search": ("^", "three", 8),
}  # fmt: skip


def metric_against(results: Results, cost: Cost, name: str, trials: Sequence[Trial] = ()) -> str:
    """The certified candidates with their intervals, the brief's limits, and the trials of the search as dots.

    "" where no certified candidate has the metric.
    """
    metric = primary(results)
    shown = [entry for entry in entries(results) if f"test_{metric}" in entry.candidate.metrics]
    if not shown:
        return ""
    canvas = Canvas(name, f"test {words(metric)} against {cost.label}")
    with canvas as (axes,):
        _dots(axes, trials)
        for part in _MARKS:
            _points(axes, [entry for entry in shown if entry.part == part], cost, metric)
        _scale(axes, results, shown, cost, metric)
        _limits(axes, results, cost, metric)
        axes.set_xlabel(cost.label)
        axes.set_ylabel(f"test {words(metric)} ({'more' if _more_is_better(metric) else 'less'} is better)")
        legend_above(axes, columns=3, order=(*_MARKS, TRIAL, LIMIT))
    return canvas.svg


def _dots(axes: Axes, trials: Sequence[Trial]) -> None:
    """Trials by their validation metric, after a part of a training: where the search has looked."""
    kept = thinned([trial for trial in trials if trial.value == trial.value])
    if kept:
        axes.plot([trial.parameters for trial in kept], [trial.value for trial in kept], linestyle="", marker="o",
                  markersize=3.5, color=color("soft"), alpha=0.6, markeredgewidth=0, label=TRIAL)  # fmt: skip


def _points(axes: Axes, shown: Sequence[Entry], cost: Cost, metric: str) -> None:
    key = f"test_{metric}"
    for number, (part, candidate) in enumerate(shown):
        marker, role, size = _MARKS[part]
        low, high = candidate.intervals.get(key, (candidate.metrics[key],) * 2)
        value = candidate.metrics[key]
        axes.errorbar(
            cost.of(candidate), value, yerr=[[max(0.0, value - low)], [max(0.0, high - value)]], marker=marker,
            markersize=size, color=color(role), linestyle="", elinewidth=1.1, capsize=2.5, markeredgewidth=0,
            label=part if number == 0 else None,
        )  # fmt: skip


def _scale(axes: Axes, results: Results, shown: Sequence[Entry], cost: Cost, metric: str) -> None:
    """Certified candidates and limits always fit; trials far off may fall outside."""
    costs = [cost.of(entry.candidate) for entry in shown]
    limit = getattr(results.brief.constraints, cost.limit)
    if limit:
        costs.append(limit)
    if min(costs) > 0 and max(costs) > 8 * min(costs):
        axes.set_xlim(min(costs) / 1.6, max(costs) * 1.6)
        log_scale(axes.xaxis)
    else:
        axes.set_xlim(0, max(costs) * 1.18 or 1)
        _plain_ticks(axes)
    axes.set_ylim(*_vertical(results, shown, metric))


def _plain_ticks(axes: Axes) -> None:
    """ "20k" instead of 20000, at a few places only."""
    from matplotlib.ticker import EngFormatter, MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(5))
    if axes.get_xlim()[1] > 1000:
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    else:
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")


def _vertical(results: Results, shown: Sequence[Entry], metric: str) -> tuple[float, float]:
    key = f"test_{metric}"
    values = [entry.candidate.metrics[key] for entry in shown]
    values += [bound for entry in shown for bound in entry.candidate.intervals.get(key, ())]
    values += [results.brief.constraints.metrics[metric]] if metric in results.brief.constraints.metrics else []
    low, high = min(values), max(values)
    span = (high - low) or abs(high) * 0.1 or 1.0
    for figures in simple_baselines(results).values():
        if (value := figures.get(key)) is not None and low - FAR * span <= value <= high + FAR * span:
            low, high = min(low, value), max(high, value)
    margin = 0.08 * (high - low) or span
    return low - margin, high + margin


def _limits(axes: Axes, results: Results, cost: Cost, metric: str) -> None:
    """The brief's limits dashed, and the baselines that need no network dotted, where they fall inside."""
    limits = results.brief.constraints
    if (most := getattr(limits, cost.limit)) is not None:
        axes.axvline(most, color=color("limit"), linestyle="--", linewidth=1.2, label=LIMIT)
    if (bound := limits.metrics.get(metric)) is not None:
        axes.axhline(
            bound, color=color("limit"), linestyle="--", linewidth=1.2, label=None if most is not None else LIMIT
        )
    low, high = axes.get_ylim()
    for name, figures in simple_baselines(results).items():
        value = figures.get(f"test_{metric}")
        if value is not None and low <= value <= high:
            axes.axhline(value, color=color("soft"), linestyle=":", linewidth=1.2)
            axes.annotate(words(name), (1, value), xycoords=("axes fraction", "data"), ha="right", va="bottom",
                          fontsize=9, color=color("soft"), xytext=(0, 1), textcoords="offset points")  # fmt: skip


def _more_is_better(metric: str) -> bool:
    from neuromosaic.core.evaluation.metrics import higher_is_better

    return higher_is_better(metric)
