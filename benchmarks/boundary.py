"""What the boundary costs and how fast it ends what does not end: one JSON object per line.

    python benchmarks/boundary.py                         # at the strongest level that this machine has
    python benchmarks/boundary.py --boundary none         # with resource limits alone

Lines: {"level"}, {"fork_ms"} (from the order to a locked child's first word: median, p95 and most of --forks),
{"zygote"} (memory of the warm process, its own and resident, MB), and per kind of spin {"kill"}: seconds from the
time-out to the end of the job, how many processes of ours are there that were not before, and by how much our memory
has grown (the sum of proportional set sizes, MB).
"""

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any, get_args

from main_job import descendants, proportional_kb

from neuromosaic.core.brief import TensorSpec
from neuromosaic.core.errors import CandidateError, WorkerError
from neuromosaic.core.protocols import Program
from neuromosaic.core.sandbox.process import ProcessSandbox
from neuromosaic.core.signature import Signature
from neuromosaic.core.workers.boundary import Accepted

SIGNATURE = Signature(inputs=(TensorSpec(shape=(1, 8, 8)),), outputs=(TensorSpec(shape=(10,)),))
SOURCE = """\
import os, re, signal, subprocess, sys, threading, time
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        {body}
        return self.head(x.flatten(1))
"""
SPINS = {
    "python": "while True: pass",
    "matmul": "y = torch.ones(1500, 1500)\n        while True: y = y @ y * 1e-4",
    "regex": "re.match('(a+)+$', 'a' * 64 + 'b')",
    "sleep": "time.sleep(3600)",
    "signals ignored": "[signal.signal(s, signal.SIG_IGN) for s in (1, 2, 3, 13, 14, 15)]\n        time.sleep(3600)",
    "memory": "keep = [bytearray(10**8) for _ in range(10)]\n        time.sleep(3600)",
    "forked": (
        "for _ in range(3):\n            try:\n                if os.fork() == 0: os.setsid(); time.sleep(3600)\n"
        "            except OSError: pass\n        time.sleep(3600)"
    ),
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boundary", choices=get_args(Accepted), default="auto")
    parser.add_argument("--forks", type=int, default=50)
    parser.add_argument("--timeout", type=float, default=1.0, help="seconds that a spinning job gets")
    chosen = parser.parse_args()
    sandbox = ProcessSandbox(boundary=chosen.boundary)
    try:
        tell(level=sandbox.boundary, cores=os.cpu_count(), load=round(os.getloadavg()[0], 1))
        measure_forks(sandbox, chosen.forks)
        for kind, body in SPINS.items():
            measure_kill(sandbox, kind, body, chosen.timeout)
    finally:
        sandbox.close()


def measure_forks(sandbox: ProcessSandbox, forks: int) -> None:
    conditions = [sandbox.condition(1) for _ in range(forks)]
    times = sorted(condition.fork_ms for condition in conditions)
    p95 = times[min(forks - 1, int(0.95 * forks))]
    tell(fork_ms={"median": round(statistics.median(times), 1), "p95": round(p95, 1), "most": round(times[-1], 1)})
    resident = max(resident_mb(pid) for pid in descendants(os.getpid()) - {os.getpid()})
    tell(zygote={"own_mb": round(conditions[-1].memory_mb, 1), "resident_mb": round(resident, 1)})


def measure_kill(sandbox: ProcessSandbox, kind: str, body: str, timeout: float) -> None:
    processes, memory = descendants(os.getpid()), total_mb()
    began = time.perf_counter()
    try:
        sandbox.export(Program(SOURCE.format(body=body), {}, 0), SIGNATURE, timeout=timeout)
        ended = "returned"
    except (WorkerError, CandidateError) as error:
        ended = str(error)
    late = time.perf_counter() - began - timeout
    left, grown = len(descendants(os.getpid()) - processes), total_mb() - memory
    tell(kill=kind, late_s=round(late, 3), ended=ended, left=left, grown_mb=round(grown, 1))


def resident_mb(pid: int) -> float:
    """With the pages of libraries that it shares with everybody; they come and go as the kernel likes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def total_mb() -> float:
    return sum(proportional_kb(pid) for pid in descendants(os.getpid())) / 1000


def tell(**facts: Any) -> None:
    print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    sys.exit(main())
