"""What validation costs, beside the way of a fresh process per candidate.

    python benchmarks/validation.py throughput            # ladder 0-2 on three-layer CNNs, in turn with subprocesses
    python benchmarks/validation.py stream --count 2000   # good, bad and hostile ones in a row: memory, lost verdicts

Prints a JSON line per task. `throughput` runs both ways in turn, `--rounds` times, and compares medians.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from neuromosaic.core.brief import Constraints, TensorSpec
from neuromosaic.core.judge.process import ProcessJudge
from neuromosaic.core.protocols import Program
from neuromosaic.core.sandbox.process import ProcessSandbox
from neuromosaic.core.signature import Signature
from neuromosaic.core.validation.climb import Climb
from neuromosaic.core.validation.ladder import Ladder

SIGNATURE = Signature(
    inputs=(TensorSpec(shape=(3, 32, 32)),), outputs=(TensorSpec(shape=(10,)),), task="classification",
    loss="cross_entropy",
)  # fmt: skip
CNN = """
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, width={width}):
        super().__init__()
        self.first = nn.Conv2d(3, width, 3, padding=1, stride=2)
        self.second = nn.Conv2d(width, 2 * width, 3, padding=1, stride=2)
        self.third = nn.Conv2d(2 * width, 4 * width, 3, padding=1, stride=2)
        self.head = nn.Linear(4 * width, 10)

    def forward(self, x):
        {before}
        x = torch.relu(self.first(x))
        x = torch.relu(self.second(x))
        x = torch.relu(self.third(x))
        return self.head(x.mean((2, 3)))
"""
BAD = (
    "x = x - x.mean(0)", "x = x.reshape(7, -1)", "x = x * float('nan')", "x = x.detach() * self.missing",
    "x = x[:, :2]",
)  # fmt: skip
HOSTILE = (
    "open('/etc/passwd').read()", "__import__('os').fork()", "__import__('os')._exit(0)",
    "__import__('socket').socket()", "[bytearray(10**9) for _ in range(64)]",
)  # fmt: skip
ALONE = """
import sys, time
from functools import partial
from pathlib import Path
began = time.perf_counter()
import torch
torch.set_num_threads(1)
from neuromosaic.core.protocols import Job, Program
from neuromosaic.core.brief import Constraints
from neuromosaic.core.graph.export import export_module
from neuromosaic.core.graph.rebuild import rebuild
from neuromosaic.core.signature import Signature
from neuromosaic.core.validation.parse import check_source
from neuromosaic.core.workers.jobs import JOBS
from neuromosaic.core.workers.rehearsal import rehearse
program = Program(Path(sys.argv[1]).read_text(), {}, 0)
signature = Signature.model_validate_json(sys.argv[2])
assert check_source(program, signature).passed
rehearsal = rehearse(program, signature, Path(sys.argv[1]).parent)
graph = export_module(rehearsal.module, rehearsal.inputs)
arguments = {"signature": signature.model_dump(mode="json"), "batch": 1, "seed": 0, "examples": 32}
for kind in ("inspect", "behave"):
    body = JOBS[kind](rebuild(graph), Job(kind, graph, arguments), None).body
    assert not body["findings"], body
"""
"""The same checks in one fresh process: what it says would have to be believed."""


def sources(count: int, start: int = 0) -> list[str]:
    """Distinct networks: their widths differ."""
    return [CNN.format(width=4 + number, before="pass") for number in range(start, start + count)]


class Outcome(NamedTuple):
    """What is kept of a climb: without the graph and the tensors that came with it."""

    accepted: bool
    boundary: str
    stopped_by: str | None
    findings: list[str]
    milliseconds: dict[str, float]


def outcome(climb: Climb) -> Outcome:
    milliseconds = {verdict.gate: verdict.milliseconds for verdict in climb.verdicts}
    codes = [finding.code for finding in climb.findings]
    return Outcome(climb.accepted, climb.boundary, climb.stopped_by, codes, milliseconds)


def ours(ladder: Ladder, programs: Sequence[str], jobs: int) -> list[Outcome]:
    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(lambda source: outcome(ladder.climb(Program(source, {}, 0), up_to="behave")), programs))


def theirs(programs: Sequence[str], folder: Path, jobs: int) -> None:
    def one(numbered: tuple[int, str]) -> None:
        number, source = numbered
        place = folder / str(number)
        place.mkdir(exist_ok=True)
        (place / "candidate.py").write_text(source)
        command = [sys.executable, "-c", ALONE, str(place / "candidate.py"), SIGNATURE.model_dump_json()]
        subprocess.run(command, check=True, cwd=Path(__file__).parents[1], capture_output=True)

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(one, enumerate(programs)))


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def throughput(jobs: int, rounds: int, folder: Path) -> dict[str, Any]:
    with_boundary, sandbox, judge = workers(jobs)
    rates: dict[str, list[float]] = {"ours": [], "subprocess": []}
    try:
        assert all(climb.accepted for climb in ours(with_boundary, sources(4, 90), jobs))
        gates: dict[str, list[float]] = {}
        for number in range(rounds):
            programs = sources(12, 12 * number)
            seconds, climbs = timed(partial(ours, with_boundary, programs, jobs))
            assert all(climb.accepted for climb in climbs), climbs[0].findings
            rates["ours"].append(len(programs) / seconds)
            for gate, milliseconds in (pair for climb in climbs for pair in climb.milliseconds.items()):
                gates.setdefault(gate, []).append(milliseconds)
            seconds, _ = timed(partial(theirs, programs[:4], folder, jobs))
            rates["subprocess"].append(4 / seconds)
    finally:
        sandbox.close()
        judge.close()
    medians = {name: statistics.median(values) for name, values in rates.items()}
    return {
        "task": "throughput", "jobs": jobs, "per_second": {name: round(rate, 2) for name, rate in medians.items()},
        "ratio": round(medians["ours"] / medians["subprocess"], 1), "boundary": climbs[0].boundary,
        "ms": {gate: round(statistics.median(values), 1) for gate, values in gates.items()},
    }  # fmt: skip


def workers(jobs: int) -> tuple[Ladder, ProcessSandbox, ProcessJudge]:
    sandbox, judge = ProcessSandbox(jobs), ProcessJudge(jobs)
    judge.warm_up()
    return Ladder(sandbox, judge, SIGNATURE, Constraints(), timeout=20.0, strict=False), sandbox, judge


# ---------------------------------------------------------------- a long row of all kinds


def stream(jobs: int, count: int) -> dict[str, Any]:
    """Memory of host, zygote and judges at the end against that after 100; every candidate must get its verdict."""
    ladder, sandbox, judge = workers(jobs)
    draw = random.Random(0)
    programs = [mixed(number, draw) for number in range(count)]
    try:
        first = ours(ladder, [source for _, source in programs[:100]], jobs)
        after_100 = memory_mb()
        seconds, rest = timed(partial(ours, ladder, [source for _, source in programs[100:]], jobs))
        at_end = memory_mb()
    finally:
        sandbox.close()
        judge.close()
    wrong = [
        (kind, climb.stopped_by, climb.findings)
        for (kind, _), climb in zip(programs, [*first, *rest], strict=True)
        if climb.accepted != (kind == "good")
    ]
    return {
        "task": "stream", "count": count, "verdicts": len(first) + len(rest), "wrong": len(wrong),
        "examples": wrong[:3],
        "per_second": round((count - 100) / seconds, 2), "memory_mb_after_100": round(after_100),
        "memory_mb_at_end": round(at_end), "growth": round(at_end / after_100 - 1, 3),
    }  # fmt: skip


def mixed(number: int, draw: random.Random) -> tuple[str, str]:
    kind = draw.choices(("good", "bad", "hostile"), (6, 3, 1))[0]
    before = "pass" if kind == "good" else draw.choice(BAD if kind == "bad" else HOSTILE)
    return kind, CNN.format(width=2 + number % 30, before=f"{before}  # {number}")


def memory_mb() -> float:
    """Proportional set size of this process and all its descendants; Linux only."""
    from main_job import descendants, proportional_kb

    return sum(proportional_kb(pid) for pid in descendants(os.getpid())) / 1000


def main() -> None:
    import tempfile

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="+", choices=["throughput", "stream"])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=2000)
    options = parser.parse_args()
    for task in options.tasks:
        if task == "stream":
            print(json.dumps(stream(options.jobs, options.count)), flush=True)
            continue
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(throughput(options.jobs, options.rounds, Path(folder))), flush=True)


if __name__ == "__main__":
    main()
