"""What the search was worth: its best beside that of random draws, after as many trials."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from neuromosaic.delivery.history import Trial
from neuromosaic.delivery.plots.drawing import Canvas, legend_above, series, thinned
from neuromosaic.delivery.text import words

CONTESTANTS = ("search", "random_search")


def best_so_far(trials: Sequence[Trial], name: str, metric: str) -> str:
    """The best validation metric by number of trials, a line for each contestant. "" where only one has trials."""
    from matplotlib.ticker import MaxNLocator

    more = _more_is_better(metric)
    curves = {who: _best(trials, who, more) for who in CONTESTANTS}
    if not all(curves.values()):
        return ""
    canvas = Canvas(name, f"best validation {words(metric)} by number of trials", height=230)
    with canvas as (axes,):
        for place, (who, values) in enumerate(curves.items()):
            own = [(n, trial.value) for n, trial in enumerate(_of(trials, who), 1)]
            axes.plot(*zip(*thinned(own), strict=True), linestyle="", marker="o", markersize=3, alpha=0.5,
                      color=series(2 * place), markeredgewidth=0)  # fmt: skip
            steps = thinned(list(enumerate(values, 1)))
            axes.plot(*zip(*steps, strict=True), drawstyle="steps-post", color=series(2 * place), label=words(who),
                      linestyle=("-", "--")[place])  # fmt: skip
        axes.set(xlabel="trials", ylabel=f"best validation {words(metric)}", ylim=_around(*curves.values()))
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        legend_above(axes)
    return canvas.svg


def agreement(early: Sequence[Trial], full: Sequence[Trial]) -> tuple[int, int]:
    """Of all pairs of networks that were trained briefly and in full: how many came in the same order, and how many
    pairs there are; pairs that came out equal once are left out."""
    first = {trial.name: trial.value for trial in early}
    known = {trial.name: (first[trial.name], trial.value) for trial in full if trial.name in first}
    values = list(known.values())
    pairs = [(a[0] - b[0], a[1] - b[1]) for n, a in enumerate(values) for b in values[n + 1 :]]
    clear = [(one, other) for one, other in pairs if one and other]
    return sum(one * other > 0 for one, other in clear), len(clear)


def _around(*curves: Sequence[float]) -> tuple[float, float]:
    """Both lines and some of what lies below; single trials that are far worse would flatten them."""
    values = [value for curve in curves for value in curve]
    low, high = min(values), max(values)
    margin = max(0.3 * (high - low), 0.02 * abs(high), 1e-9)
    return low - margin, high + margin


def _best(trials: Sequence[Trial], who: str, more: bool) -> list[float]:
    return list(accumulate((trial.value for trial in _of(trials, who)), max if more else min))


def _of(trials: Sequence[Trial], who: str) -> list[Trial]:
    return [trial for trial in trials if trial.contestant == who and trial.value == trial.value]


def _more_is_better(metric: str) -> bool:
    from neuromosaic.core.evaluation.metrics import higher_is_better

    return higher_is_better(metric)
