"""A worker whose memory really runs out: the second attempt takes less of it, and comes to an end."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import nn

from neuromosaic.core.brief import Contract, TensorSpec
from neuromosaic.core.evaluation.data.dataset import Split
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.trial import run_trial
from neuromosaic.core.graph.export import export_module
from neuromosaic.core.judge.process import ProcessJudge
from neuromosaic.core.proposals import MetricsPlan

SIDE, DEPTH, BATCH, MEMORY_MB = 32, 24, 64, 330
"""An activation of a batch takes 16.8 MB, all of them 400."""


def test_what_ran_out_of_memory_is_trained_in_parts_that_fit() -> None:
    contract = Contract(
        task="classification", input=TensorSpec(shape=(1, SIDE, SIDE)), output=TensorSpec(shape=(2,)), kind="image"
    )
    draw = np.random.default_rng(0)
    split = Split(draw.standard_normal((BATCH, 1, SIDE, SIDE)).astype(np.float32), np.arange(BATCH) % 2)
    net = nn.Sequential(
        nn.Conv2d(1, 64, 1),
        *[nn.Tanh() for _ in range(DEPTH)],
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 2),
    )
    data: Any = SimpleNamespace(
        contract=contract, train=split, validation=Split(split.x[:2], split.y[:2]),
        preprocessing=SimpleNamespace(unscale_targets=lambda y: y, naive_error=math.nan),
    )  # fmt: skip
    judge = ProcessJudge(workers=1, memory_mb=MEMORY_MB)
    try:
        outcome = run_trial(
            judge, export_module(net, (torch.zeros(2, 1, SIDE, SIDE),)), data, Recipe(epochs=1, batch_size=BATCH),
            MetricsPlan(loss="cross_entropy", primary="accuracy"), fidelity=1.0, seed=0,
        )  # fmt: skip
    finally:
        judge.close()
    assert outcome.message == f"memory ran out with batches of {BATCH}; tried again with each in 2 parts"
    assert outcome.cause == "finished"
