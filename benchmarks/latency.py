"""Latencies of many networks, told from ten that were measured."""

import time
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from neuromosaic.architectures import ready_space
from neuromosaic.core.evaluation.latency import LatencyPredictor
from neuromosaic.core.evaluation.signals import spearman

SEED = 0


def latency(count: int = 110) -> dict[str, Any]:
    """Spearman of the latency that ten measured networks foretell for a hundred others: batch of one, one thread."""
    space = ready_space("mobilenet", (3, 32, 32), 10)
    specs = [space.architecture(point) for point in space.sample_many(count, seed=SEED)]
    measured = [_milliseconds(spec.to_model(), torch.rand(1, 3, 32, 32)) for spec in specs]
    found = LatencyPredictor(specs[:10], measured[:10]).predict(specs[10:])
    return {
        "task": "latency", "samples": 10, "held_out": count - 10,
        "spearman": round(spearman(found.mean.tolist(), measured[10:]), 3),
        "spearman_of_flops": round(spearman([one.infer().flops for one in specs[10:]], measured[10:]), 3),
        "median_relative_error": round(float(np.median(np.abs(found.mean / measured[10:] - 1))), 3),
        "within_two_deviations": float(np.mean(np.abs(found.mean - measured[10:]) <= 2 * found.deviation)),
    }  # fmt: skip


def _milliseconds(module: nn.Module, x: Tensor, repeats: int = 15) -> float:
    """Of processor time: the least of several passes, which other load touches least."""
    module.eval()
    times = []
    with torch.no_grad():
        for _ in range(repeats):
            began = time.process_time()
            module(x)
            times.append(1e3 * (time.process_time() - began))
    return min(times)
