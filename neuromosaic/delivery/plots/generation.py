"""What a generative network makes, beside what it has never seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromosaic.delivery.contents import Curve
from neuromosaic.delivery.plots.drawing import WIDTH, Canvas, legend_above, series, thinned

Array = NDArray[Any]

ACROSS, DOWN = 12, 2
"""Pictures in a row of the grid, and rows for each kind."""
TITLE = 24.0
"""The height of a title and the space around it."""
GAP = 1
"""Pixels between two pictures."""
TERM = "train_"


def picture_grid(kinds: Sequence[tuple[str, Array]], low: float, high: float, name: str) -> str:
    """Each kind's first images [n, channels, height, width] in rows under its title, `low` black and `high` white."""
    height = len(kinds) * (2 * WIDTH * DOWN / ACROSS + TITLE)
    canvas = Canvas(name, ", ".join(title for title, _ in kinds), width=2 * WIDTH, height=height)
    with canvas as (axes,):
        axes.set_axis_off()
        figure = axes.figure
        axes.remove()
        for place, (title, images) in enumerate(kinds):
            part = figure.add_subplot(len(kinds), 1, place + 1)
            part.set_axis_off()
            part.set_title(title, loc="left")
            part.imshow(_tiled(images, low, high), interpolation="nearest", vmin=0, vmax=1, cmap="gray")
    return canvas.svg


def _tiled(images: Array, low: float, high: float) -> Array:
    """[rows of pixels, columns of pixels] or with 3 channels last, values from 0 to 1; white between."""
    shown = np.clip((images[: ACROSS * DOWN] - low) / max(high - low, 1e-12), 0.0, 1.0)
    shown = np.moveaxis(shown[:, :3] if shown.shape[1] >= 3 else shown[:, :1], 1, -1)
    _, high_, wide, channels = shown.shape
    rows = -(-len(shown) // ACROSS)
    page = np.ones((rows * (high_ + GAP) - GAP, ACROSS * (wide + GAP) - GAP, channels))
    for number, image in enumerate(shown):
        row, column = divmod(number, ACROSS)
        down, across = row * (high_ + GAP), column * (wide + GAP)
        page[down : down + high_, across : across + wide] = image
    return page[..., 0] if channels == 1 else page


def terms_curve(curve: Curve, name: str) -> str:
    """The scalars that a network declares, by epoch: their means over training; "" where it declares none."""
    names = list(dict.fromkeys(key for row in curve for key in row if key.startswith(TERM) and key != "train_loss"))
    if not names:
        return ""
    canvas = Canvas(name, "parts of the training loss by epoch", height=230)
    with canvas as (axes,):
        for number, term in enumerate(names):
            rows = thinned([row for row in curve if term in row])
            style = ("-", "--", "-.", ":")[number % 4]
            epochs, values = [row["epoch"] for row in rows], [row[term] for row in rows]
            axes.plot(epochs, values, color=series(number), linestyle=style, label=term.removeprefix(TERM))
        axes.set_xlabel("epoch")
        axes.set_ylabel("training, mean over the epoch")
        legend_above(axes, columns=3)
    return canvas.svg
