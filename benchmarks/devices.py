"""The device that benchmarks run on: a GPU where there is one, named in every row."""

import time
from collections.abc import Callable

import torch


def device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def named() -> str:
    return torch.cuda.get_device_name() if device() == "cuda" else "cpu"


def seconds(work: Callable[[], object]) -> float:
    """Of processor time on a CPU, which other load changes least; on a GPU until it has done all."""
    clock = time.perf_counter if device() == "cuda" else time.process_time
    began = clock()
    work()
    if device() == "cuda":
        torch.cuda.synchronize()
    return clock() - began
