"""Latencies of a hundred networks, told from ten that were measured."""

import time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from neuromosaic.architectures import ready_space
from neuromosaic.core.evaluation.latency import LatencyPredictor
from neuromosaic.core.evaluation.signals import spearman

SEED, SAMPLES, HELD_OUT, PASSES = 0, 10, 100, 5


def latency(rounds: int) -> dict[str, Any]:
    """Batch of one, one thread; the networks are timed in turn, `rounds` times.

    `spearman_of_halves`: between what the even and the odd rounds measured, which is what can be told at all.
    """
    space = ready_space("mobilenet", (3, 32, 32), 10)
    specs = [space.architecture(point) for point in space.sample_many(SAMPLES + HELD_OUT, seed=SEED)]
    took = _in_turn([spec.to_model().eval() for spec in specs], rounds)
    known, others = took.min(axis=0)[:SAMPLES], took.min(axis=0)[SAMPLES:]
    found = LatencyPredictor(specs[:SAMPLES], known.tolist()).predict(specs[SAMPLES:])
    halves = took[::2].min(axis=0)[SAMPLES:], took[1::2].min(axis=0)[SAMPLES:]
    return {
        "task": "latency", "samples": SAMPLES, "held_out": HELD_OUT,
        "spearman": round(spearman(found.mean.tolist(), others.tolist()), 3),
        "spearman_of_flops": round(spearman([one.infer().flops for one in specs[SAMPLES:]], others.tolist()), 3),
        "spearman_of_halves": round(spearman(halves[0].tolist(), halves[1].tolist()), 3),
        "median_relative_error": round(float(np.median(np.abs(found.mean / others - 1))), 3),
        "within_two_deviations": float(np.mean(np.abs(found.mean - others) <= 2 * found.deviation)),
    }  # fmt: skip


def _in_turn(networks: list[nn.Module], rounds: int) -> NDArray[np.float64]:
    """Milliseconds of processor time [rounds, networks], each the least of a few passes, which other load touches
    least."""
    x = torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        took = [[min(_milliseconds(one, x) for _ in range(PASSES)) for one in networks] for _ in range(rounds)]
    return np.array(took)


def _milliseconds(network: nn.Module, x: torch.Tensor) -> float:
    began = time.process_time()
    network(x)
    return 1e3 * (time.process_time() - began)
