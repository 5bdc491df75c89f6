"""Whether draws are training examples handed out again: which no distance to held-out examples would punish."""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuromosaic.core.evaluation.generation import MOST, flat

Array = NDArray[Any]

NEIGHBOURS: Final = 50
NEARER: Final = 0.3
"""Of the distance to those behind it: what lies so much nearer to one example than to others like it, is that one."""
ROWS: Final = 60_000
"""Training examples that are looked through."""
AT_ONCE: Final = 128
NEGLIGIBLE, ERRORS = 0.05, 3.0
"""By how much a share must exceed that of held-out examples: so much, and so many standard errors of the difference.
"""


class Copies(NamedTuple):
    """The shares of draws, and of held-out examples, that are a training example or next to one; `margin`: by how
    much the former may be larger. In few dimensions both are large by chance."""

    draws: float
    held: float
    margin: float

    @property
    def suspicious(self) -> bool:
        return self.draws > self.held + self.margin


def copies(draws: Array, held: Array, known: Array) -> Copies | None:
    """Of draws and held-out examples beside `known` training ones, [n, ...] each; None where these are too few, or a
    draw is not finite.

    By the distance to the nearest over the mean of the next fifty (Carlini et al., 2023, arXiv:2301.13188, section
    4.2), which does not take draws that lack fine detail for copies. Examples that repeat are in both shares.
    """
    if len(known) <= NEIGHBOURS + 1 or not np.isfinite(draws[:MOST]).all():
        return None
    rows = flat(known[:ROWS])
    near = [_ratios(flat(values[:MOST]), rows) < NEARER for values in (draws, held)]
    both, count = np.concatenate(near).mean(), sum(1 / len(one) for one in near)
    margin = max(NEGLIGIBLE, ERRORS * float(np.sqrt(both * (1 - both) * count)))
    return Copies(float(near[0].mean()), float(near[1].mean()), margin)


def _ratios(values: Array, rows: Array) -> Array:
    """How far the nearest row is, as a share of how far those behind it are, [n]."""
    lengths = (rows**2).sum(axis=1)
    found = []
    for start in range(0, len(values), AT_ONCE):
        some = values[start : start + AT_ONCE]
        squares = (some**2).sum(axis=1, keepdims=True) + lengths - 2 * some @ rows.T
        near = np.sqrt(np.sort(np.partition(squares, NEIGHBOURS, axis=1)[:, : NEIGHBOURS + 1], axis=1).clip(min=0))
        found.append(near[:, 0] / near[:, 1:].mean(axis=1).clip(min=1e-12))
    return np.concatenate(found)
