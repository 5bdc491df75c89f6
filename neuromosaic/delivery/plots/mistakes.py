"""Where the delivered network is wrong on the test split: per task what tells most."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuromosaic.delivery.plots.drawing import WIDTH, Canvas, color, legend_above

Array = NDArray[Any]

LABELLED = 16
"""Up to so many classes the cells hold their counts."""
SHOWN = 1500
"""Examples that a scatter plot shows at most."""
BINS = 10


class Confusion(NamedTuple):
    """So many `examples` of class `actual` were called `predicted`; `share` of that class's examples."""

    actual: str
    predicted: str
    examples: int
    share: float


# ---------------------------------------------------------------- classification


def confusion(outputs: Array, targets: Array, classes: int) -> Array:
    """Counts int64 [actual, predicted]."""
    pairs = targets * classes + outputs.argmax(axis=-1)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def most_confused(counts: Array, names: Sequence[str], most: int = 10) -> list[Confusion]:
    """The most frequent mistakes, the commonest first."""
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    places = np.argsort(-wrong, axis=None, kind="stable")[:most]
    pairs = [divmod(int(place), len(counts)) for place in places]
    support = counts.sum(axis=1)
    return [
        Confusion(names[row], names[column], int(wrong[row, column]), float(wrong[row, column] / support[row]))
        for row, column in pairs
        if wrong[row, column]
    ]


def confusion_matrix(counts: Array, names: Sequence[str], name: str) -> str:
    """Rows are what it is, columns what the network said; hits in one colour, mistakes in another."""
    size = len(counts)
    side = WIDTH if size <= LABELLED else 620.0
    canvas = Canvas(name, "confusion matrix on the test split", width=side, height=side * 0.92)
    with canvas as (axes,):
        shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
        for row, column in np.argwhere(counts):
            _cell(axes, int(row), int(column), int(counts[row, column]), float(shares[row, column]), size)
        axes.set_xlim(-0.5, size - 0.5)
        axes.set_ylim(size - 0.5, -0.5)
        _class_ticks(axes, names)
        axes.grid(visible=False)
        axes.spines[["left", "bottom"]].set_visible(False)
        axes.set_xlabel("predicted")
        axes.set_ylabel("actual")
    return canvas.svg


def _cell(axes: Any, row: int, column: int, count: int, share: float, size: int) -> None:
    from matplotlib.patches import Rectangle

    hit = row == column
    strength = share if hit else min(1.0, 0.25 + 2.5 * share)  # a mistake must show: few make a good network bad
    strength = 0.12 + 0.88 * strength
    box = Rectangle((column - 0.47, row - 0.47), 0.94, 0.94, linewidth=0)
    box.set(facecolor=color("one" if hit else "two"), alpha=round(strength, 2))
    axes.add_patch(box)
    if size <= LABELLED:
        ink = color("on-strong" if strength > 0.6 else "ink")
        axes.text(column, row, f"{count:,}", ha="center", va="center", color=ink, fontsize=10 if size <= 10 else 8)


def _class_ticks(axes: Any, names: Sequence[str]) -> None:
    short = [name if len(name) <= 12 else f"{name[:11]}…" for name in names]
    size = 9.5 if len(names) <= 12 else 8
    turned = max(map(len, short)) * len(short) > 45
    places = range(len(names))
    axes.set_xticks(places, short, rotation=90 if turned else 0, fontsize=size)
    axes.set_yticks(places, short, fontsize=size)


def calibration(outputs: Array, targets: Array, name: str) -> tuple[str, float]:
    """Right answers by the confidence they came with; the expected calibration error (Guo et al., 2017)."""
    from neuromosaic.core.evaluation.metrics import probabilities

    chances = probabilities(outputs)
    return calibration_of(chances.max(axis=-1), chances.argmax(axis=-1) == targets, name)


def calibration_of(confidence: Array, right: Array, name: str) -> tuple[str, float]:
    """Of answers [n], each with its confidence of 0 to 1."""
    place = np.minimum((confidence * BINS).astype(int), BINS - 1)
    counts = np.bincount(place, minlength=BINS)
    filled = counts > 0
    said = np.bincount(place, confidence, BINS)[filled] / counts[filled]
    true = np.bincount(place, right.astype(float), BINS)[filled] / counts[filled]
    error = float((np.abs(said - true) * counts[filled]).sum() / counts.sum())
    canvas = Canvas(name, "share of right answers by the confidence they were given with")
    with canvas as (axes,):
        axes.plot([0, 1], [0, 1], color=color("soft"), linestyle=":", linewidth=1.2, label="perfectly calibrated")
        axes.plot(said, true, color=color("one"), linewidth=1, alpha=0.6)
        sizes = 14 + 150 * counts[filled] / counts.max()
        axes.scatter(said, true, s=sizes, color=color("one"), linewidths=0, label="answers (area: how many)")
        axes.set(xlim=(0, 1.03), ylim=(0, 1.05), xlabel="confidence", ylabel="share of right answers")
        legend_above(axes)
    return canvas.svg, error


# ---------------------------------------------------------------- regression


def predicted_against_actual(outputs: Array, targets: Array, name: str, label: str) -> str:
    """One target, [n] twice, in the user's units: evenly many examples over the split where there are too many."""
    shown = slice(None, None, max(1, -(-len(targets) // SHOWN)))
    low, high = (float(bound) for bound in (min(targets.min(), outputs.min()), max(targets.max(), outputs.max())))
    canvas = Canvas(name, f"predicted against actual {label}")
    with canvas as (axes,):
        axes.plot([low, high], [low, high], color=color("soft"), linestyle=":", linewidth=1.2, label="perfect")
        axes.plot(targets[shown], outputs[shown], linestyle="", marker=".", markersize=5, markeredgewidth=0,
                  color=color("one"), alpha=0.4)  # fmt: skip
        axes.set(xlabel=f"actual {label}", ylabel=f"predicted {label}")
        legend_above(axes)
    return canvas.svg


def residuals(outputs: Array, targets: Array, name: str, label: str) -> str:
    """How large the errors are and to which side, [n] twice."""
    errors = outputs - targets
    low, high = np.quantile(errors, [0.005, 0.995])
    canvas = Canvas(name, f"residuals of {label}")
    with canvas as (axes,):
        edges = np.linspace(low, high, 31).tolist() if high > low else 10
        axes.hist(np.clip(errors, low, high), bins=edges, color=color("one"), alpha=0.75)
        axes.axvline(0, color=color("soft"), linewidth=1, linestyle=":")
        axes.axvline(float(np.median(errors)), color=color("two"), linewidth=1.4, linestyle="--", label="median")
        axes.set(xlabel=f"predicted minus actual {label}", ylabel="test examples")
        axes.grid(visible=False, axis="x")
        legend_above(axes)
    return canvas.svg


# ---------------------------------------------------------------- language modelling


def bits_by_position(outputs: Array, targets: Array, name: str) -> str:
    """Bits per character against how many characters the network has seen before: what its memory is worth."""
    bits = _bits(outputs, targets).mean(axis=0)
    canvas = Canvas(name, "bits per character by position in the window")
    with canvas as (axes,):
        axes.plot(np.arange(1, len(bits) + 1), bits, color=color("one"), label="mean at this position")
        axes.axhline(float(bits.mean()), color=color("soft"), linestyle=":", linewidth=1.2, label="overall mean")
        axes.set(xlabel="characters read", ylabel="bits per character", ylim=(0, float(bits.max()) * 1.08))
        legend_above(axes)
    return canvas.svg


def bits_by_character(outputs: Array, targets: Array, characters: str, name: str, most: int = 14) -> str:
    """Which characters cost most of all bits: how often times how hard."""
    totals = np.bincount(targets.ravel(), _bits(outputs, targets).ravel(), len(characters))
    order = np.argsort(-totals, kind="stable")[:most]
    order = order[totals[order] > 0]
    canvas = Canvas(name, "characters by their share of all bits")
    with canvas as (axes,):
        places = np.arange(len(order))
        axes.barh(places, 100 * totals[order] / totals.sum(), color=color("one"), alpha=0.8, height=0.7)
        axes.set_yticks(places, [visible(characters[place]) for place in order])
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.set(xlabel="share of all bits, %", ylabel="next character")
    return canvas.svg


def visible(character: str) -> str:
    """A character as a label: blanks and controls by their names."""
    names = {" ": "space", "\n": "new line", "\t": "tab", "\r": "return"}
    return names.get(character) or (character if character.isprintable() else f"U+{ord(character):04X}")


def _bits(outputs: Array, targets: Array) -> Array:
    from neuromosaic.core.evaluation.metrics import token_losses

    return token_losses(outputs, targets) / math.log(2)
