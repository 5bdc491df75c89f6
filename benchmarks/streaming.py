"""Training from the disk beside training from memory: the memory and time of each, and whether the losses agree."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from neuromosaic.core.brief import Brief
from neuromosaic.core.evaluation.data.loading import load_dataset
from neuromosaic.core.evaluation.data.room import VARIABLE
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.trial import run_trial
from neuromosaic.core.graph.export import export_module
from neuromosaic.core.judge.process import ProcessJudge
from neuromosaic.core.proposals import MetricsPlan

SIDE = 32
WAYS = {"memory": "100000", "disk": "10"}  # MB that one array may have in memory
EVERY = 0.02  # seconds between two looks at the memory


def streaming(images: int, rounds: int) -> Iterable[dict[str, Any]]:
    """A row per way and round, each in a process of its own, in turn."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        draw = np.random.default_rng(0)
        np.save(Path(folder) / "x.npy", draw.integers(0, 256, (images, SIDE, SIDE, 3), dtype=np.uint8))
        np.save(Path(folder) / "y.npy", draw.integers(0, 10, images))
        for _ in range(rounds):
            for way, limit in WAYS.items():
                command = [sys.executable, __file__, folder, way]
                told = subprocess.run(
                    command, env={**os.environ, VARIABLE: limit}, check=True, capture_output=True, text=True
                ).stdout
                yield {"task": "streaming", "images": images, **json.loads(told)}


def one(folder: str, way: str) -> dict[str, Any]:
    """Loads and trains one epoch by a locked worker."""
    peaks = {"host_mb": 0.0, "worker_mb": 0.0}
    threading.Thread(target=_watch, args=(peaks,), daemon=True).start()
    began = time.perf_counter()
    dataset = load_dataset(Brief(data=folder))
    loaded = time.perf_counter() - began
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 16, 5, stride=3), nn.ReLU(), nn.Flatten(), nn.Linear(16 * 100, 10))
    judge = ProcessJudge(workers=1, memory_mb=16_000)
    outcome = run_trial(
        judge, export_module(net, (torch.zeros(2, 3, SIDE, SIDE),)), dataset, Recipe(epochs=1),
        MetricsPlan(loss="cross_entropy", primary="accuracy"), fidelity=1.0, seed=0,
    )  # fmt: skip
    judge.close()
    return {
        "way": way, "float32_mb": round((len(dataset.train) + len(dataset.validation)) * 3 * SIDE * SIDE * 4 / 1e6),
        "load_seconds": round(loaded, 2), "epoch_seconds": round(outcome.curve[-1]["seconds"], 2),
        "trial_seconds": round(outcome.seconds, 2), **{name: round(value) for name, value in peaks.items()},
        "train_loss": outcome.curve[-1]["train_loss"], "cause": outcome.cause,
    }  # fmt: skip


def _watch(peaks: dict[str, float]) -> None:
    """Memory that no file stands behind, for the system can take the rest back at any time."""
    while True:
        peaks["host_mb"] = max(peaks["host_mb"], _anonymous(os.getpid()))
        for child in Path(f"/proc/{os.getpid()}/task").glob("*/children"):
            for pid in child.read_text().split():
                peaks["worker_mb"] = max(peaks["worker_mb"], _anonymous(int(pid)))
        time.sleep(EVERY)


def _anonymous(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1e3 for line in lines if line.startswith("RssAnon")), 0.0)


if __name__ == "__main__":
    print(json.dumps(one(*sys.argv[1:])))
