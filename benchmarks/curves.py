"""Where learning curves end, told from a part of them: TaskSet's, of real trainings with 1,000 configurations a task.

Thirty finished curves of a task teach, three hundred others are told. A final loss that is not finite, or above the
task's first one, counts as the first one: how far a training diverged is no part of the question; what diverged
before it was looked at is left out. Beside it the last value seen stands alone, which is what pruners go by.
"""

import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from neuromosaic.core.evaluation.curves import CurveForecast
from neuromosaic.core.evaluation.signals import spearman

FINISHED, TOLD, DRAWS, LEVEL = 30, 300, 5, 0.9
SHARES = (0.1, 0.25, 0.5)  # of the steps that are seen


def curves(tables: Path) -> Iterator[dict[str, Any]]:
    table = np.load(tables / "taskset" / "taskset_6.npz")
    rows = [row for task in table["tasks"] for row in _task(str(task), table[f"{task}__valid"])]
    yield from rows
    for share in SHARES:
        alike = [row for row in rows if row["seen"] == share]
        names = ("spearman", "spearman_of_last_value", "coverage", "width_to_spread")
        medians = {name: round(statistics.median(row[name] for row in alike), 3) for name in names}
        yield {"task": "curves", "data": "median of the tasks", "seen": share, **medians}


def _task(name: str, losses: Any) -> Iterator[dict[str, Any]]:
    for share in SHARES:
        seen = max(2, round(share * losses.shape[1]))
        first = float(np.nanmedian(losses[:, 0]))
        usable = np.minimum(losses[np.isfinite(losses[:, :seen]).all(axis=1)], first)
        usable[~np.isfinite(usable)] = first
        drawn = [_drawn(usable, seen, seed) for seed in range(DRAWS)]
        figures = {key: round(statistics.mean(one[key] for one in drawn), 3) for key in drawn[0]}
        yield {"task": "curves", "data": name, "seen": share, "finished": FINISHED, "told": TOLD, **figures}


def _drawn(losses: Any, seen: int, seed: int) -> dict[str, float]:
    order = np.random.default_rng(seed).permutation(len(losses))
    known, others = losses[order[:FINISHED]], losses[order[FINISHED : FINISHED + TOLD]]
    told, truth = CurveForecast(known.tolist(), seen, LEVEL).predict(others.tolist()), others[:, -1]
    return {
        "spearman": spearman(told.median.tolist(), truth.tolist()),
        "spearman_of_last_value": spearman(others[:, seen - 1].tolist(), truth.tolist()),
        "coverage": float(np.mean((told.low <= truth) & (truth <= told.high))),
        "width_to_spread": float(
            np.mean(told.high - told.low) / (np.quantile(truth, 0.95) - np.quantile(truth, 0.05))
        ),
    }
