"""What a process does before it forks others: import and run once what each of them needs."""

import contextlib
import gc
import importlib
import os
from collections.abc import Sequence
from pathlib import Path


def warm(libraries: Sequence[str] = ()) -> None:
    """Imports and runs once what every child needs, so that each child finds it done.

    `libraries`: installed modules that the given network is built by; one that is missing is left to the child.
    """
    import torch
    from torch import nn

    torch.set_num_threads(1)  # before any operation: a second thread's pool would not survive the fork
    torch.set_num_interop_threads(1)
    import pytest  # noqa: F401

    from neuromosaic.core.graph import export, rebuild  # noqa: F401
    from neuromosaic.core.workers import jobs, suite  # noqa: F401

    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Dropout(0.1), nn.Linear(8, 2))
    x = torch.zeros(2, 1, 4, 4)
    optimizer = torch.optim.AdamW(net.parameters(), fused=True)
    net(x).sum().backward()
    optimizer.step()
    export.export_module(net, (x,))
    for library in libraries:
        with contextlib.suppress(ImportError):
            importlib.import_module(library)
    gc.collect()
    gc.freeze()  # a child's collector leaves these pages alone, so that they stay shared


def thread_count() -> int:
    with contextlib.suppress(OSError):
        return len(os.listdir("/proc/self/task"))
    return 1


def memory_mb() -> float:
    """Memory that is this process's own, in MB; 0 where the system does not tell.

    Without the pages of libraries: those are the kernel's cache of files, shared by all that use PyTorch, and how
    many of them count as resident is a matter of the kernel's read-ahead.
    """
    with contextlib.suppress(OSError):
        lines = Path("/proc/self/status").read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith(("RssAnon:", "RssShmem:"))) * 1024 / 1e6
    return 0.0
