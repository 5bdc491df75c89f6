"""How the finalists learnt."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from neuromosaic.delivery.contents import Curve
from neuromosaic.delivery.plots.drawing import Canvas, color, legend_above, log_scale, series, thinned
from neuromosaic.delivery.text import words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STEEP = 30
"""A loss that falls by more than this factor is drawn on a log scale."""


def loss_curve(curve: Curve, name: str, metric: str) -> str:
    """Loss on training and validation data by epoch, and the epoch whose weights were kept. "" without epochs."""
    if not curve:
        return ""
    canvas = Canvas(name, "training and validation loss by epoch", height=230)
    with canvas as (axes,):
        _line(axes, curve, "train_loss", "training", color("soft"), "--")
        _line(axes, curve, "loss", "validation", color("one"), "-")
        kept = kept_epoch(curve, metric)
        if kept is not None:
            axes.axvline(kept, color=color("two"), linewidth=1.1, linestyle=":", label=f"kept (epoch {kept:g})")
        _steep(axes, curve)
        _epochs(axes)
        axes.set_ylabel("loss")
        legend_above(axes, columns=3)
    return canvas.svg


def metric_curves(curves: Mapping[str, Curve], name: str, metric: str) -> str:
    """The primary metric on the validation data by epoch, a line for each finalist, by its name."""
    shown = {label: curve for label, curve in curves.items() if any(metric in row for row in curve)}
    if not shown:
        return ""
    canvas = Canvas(name, f"validation {words(metric)} by epoch", height=230)
    with canvas as (axes,):
        for number, (label, curve) in enumerate(shown.items()):
            style = ("-", "--", "-.", ":")[number % 4]
            _line(axes, curve, metric, label, series(number), style)
        _epochs(axes)
        axes.set_ylabel(f"validation {words(metric)}")
        legend_above(axes)
    return canvas.svg


def kept_epoch(curve: Curve, metric: str) -> float | None:
    """The one with the best metric, and of equal ones the one with the lowest loss: whose weights were kept."""
    from neuromosaic.core.evaluation.metrics import higher_is_better

    rows = [row for row in curve if math.isfinite(row.get(metric, math.nan))]
    if not rows:
        return None
    sign = -1 if higher_is_better(metric) else 1
    return min(rows, key=lambda row: (sign * row[metric], row.get("loss", math.inf)))["epoch"]


def _line(axes: Axes, curve: Curve, column: str, label: str, role: str, style: str) -> None:
    rows = thinned([row for row in curve if math.isfinite(row.get(column, math.nan))])
    marker = "o" if len(rows) < 3 else ""
    epochs, values = [row["epoch"] for row in rows], [row[column] for row in rows]
    axes.plot(epochs, values, color=role, linestyle=style, marker=marker, markersize=5, label=label)


def _steep(axes: Axes, curve: Curve) -> None:
    values = _finite(curve, "loss") + _finite(curve, "train_loss")
    if values and min(values) > 0 and max(values) > STEEP * min(values):
        log_scale(axes.yaxis)


def _epochs(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.set_xlabel("epoch")


def _finite(curve: Curve, column: str) -> list[float]:
    return [row[column] for row in curve if math.isfinite(row.get(column, math.nan))]
