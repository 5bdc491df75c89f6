"""What the engine costs and loses: python benchmarks/search_engine.py parallel|kills|asha|trials.

parallel  tasks of 0.2 s with two workers, per executor, against sequential: how many times as fast (those installed)
kills     kill -9 at random moments over strategies, pruners and executors; resumed: what is lost, repeated, different
asha      64 simulated workers of uneven speed: which share of their time ASHA keeps them busy, beside rounds
trials    100,000 trials of a strategy: seconds and peak memory
"""

import argparse
import heapq
import json
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from neuromosaic.core.execution.catalogue import Settings, make_executor
from neuromosaic.search import ArchitectureSearch, SearchSpace

SPACE = {"x": {"type": "float", "min": -5, "max": 5}, "y": {"type": "int", "min": 0, "max": 9}}


# ------------------------------------------------------------ parallel


def sleep(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def parallel(tasks: int) -> None:
    print(f"sequential  {tasks * 0.2:6.2f} s   1.00 times")
    for name, library in {"threads": "threading", "processes": "socket", "ray": "ray", "dask": "distributed"}.items():
        if find_spec(library) is None:
            print(f"{name:10}  not installed")
            continue
        executor = make_executor(name, Settings(2), strict=True).executor
        list(executor.execute_trials(sleep, [0.01] * 4))  # workers started
        began = time.perf_counter()
        count = len(list(executor.execute_trials(sleep, [0.2] * tasks)))
        seconds = time.perf_counter() - began
        executor.shutdown()
        print(f"{name:10}  {seconds:6.2f} s   {count * 0.2 / seconds:.2f} times")


# ------------------------------------------------------------ kills

CHILD = """
import json, sys, time
from pathlib import Path
from neuromosaic.search import ArchitectureSearch, SearchSpace
given = json.loads(sys.argv[1])
log = open("calls.log", "a")
def value(point, step):
    return -(point["x"] - 1) ** 2 - point["y"] / 10 - 1 / step
def done(point, step):
    log.write(json.dumps([point, step]) + "\\n"); log.flush()
def plain(point):
    time.sleep(0.004); done(point, 0)
    return value(point, 9)
def reporting(point, report):
    for step in range(1, 10):
        time.sleep(0.0005)
        if report(step, value(point, step)): break
    done(point, step)
    return value(point, step)
def fidelity(point, fidelity, checkpoint):
    (checkpoint / "state").write_text(str(fidelity)); time.sleep(0.004); done(point, fidelity)
    return value(point, fidelity)
evaluator = {None: plain, "median": reporting, "asha": fidelity}[given["pruner"]]
options = {"max_resource": 9} if given["pruner"] == "asha" else {}
search = ArchitectureSearch(space=SearchSpace(given["space"]), evaluator=evaluator, strategy=given["strategy"],
    pruner=given["pruner"], executor=given["executor"], max_trials=given["trials"], store="store", **options)
if Path("begun").exists():
    try: search.resume()
    except Exception as error:
        if "no search" not in str(error): raise
        search.run()
else:
    Path("begun").touch(); search.run()
print(json.dumps([[t.number, t.point, t.state, t.metrics, t.fidelity, t.curve] for t in search.trials]))
"""
STRATEGIES = ("random", "regularized_evolution", "bayesian", "local_search")
PRUNERS = (None, "median", "asha")
EXECUTORS = ("sequential", "threads", "processes")


def child(folder: Path, given: dict[str, Any], kill_after: float | None = None) -> tuple[str | None, float]:
    """The child's answer (None: killed), and the seconds that it took."""
    began = time.perf_counter()
    root = str(Path(__file__).resolve().parents[1])
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, json.dumps(given)], cwd=folder, text=True, stdout=subprocess.PIPE,
        env={"PYTHONPATH": root, "OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    try:
        out, _ = process.communicate(timeout=kill_after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.communicate()
        return None, time.perf_counter() - began
    if process.returncode:
        raise SystemExit(f"the child failed: {given}")
    return out, time.perf_counter() - began


def kills(count: int, trials: int, seed: int) -> None:
    draw = random.Random(seed)
    combinations = [(s, p, e) for s in STRATEGIES for p in PRUNERS for e in EXECUTORS]
    references: dict[tuple[Any, ...], tuple[str | None, float]] = {}
    killed = repeated = differing = lost = 0
    for number in range(count):
        strategy, pruner, executor = combinations[number % len(combinations)]
        given = {"space": SPACE, "strategy": strategy, "pruner": pruner, "executor": executor, "trials": trials}
        key = (strategy, pruner, executor)
        if key not in references:
            with tempfile.TemporaryDirectory() as folder:
                references[key] = child(Path(folder), given)
        whole, seconds = references[key]
        with tempfile.TemporaryDirectory() as folder:
            killed += child(Path(folder), given, draw.uniform(0.3, 1.0) * seconds)[0] is None
            answer, _ = child(Path(folder), given)
            calls = (Path(folder) / "calls.log").read_text().splitlines()
        found = json.loads(answer or "[]")
        lost += len(found) != trials or any(trial[2] in ("waiting", "running", "failed") for trial in found)
        repeated += max(0, len(calls) - len(set(calls)) - (1 if executor == "sequential" else 2))
        differing += executor == "sequential" and answer != whole
        print(f"\r{number + 1}/{count}", end="", file=sys.stderr)
    print(f"\n{count} moments, {killed} hit a running search; {len(combinations)} combinations of {trials} trials")
    print(f"incomplete after resume: {lost}; evaluations repeated beyond those in flight: {repeated};")
    print(f"sequential ones that differ from the uninterrupted run in any bit: {differing}")


# ------------------------------------------------------------ asha


class Simulated:
    """An executor with a clock of its own: a step takes a worker 0.5 to 2 s, and one in twenty ten times as long."""

    def __init__(self, workers: int, seed: int) -> None:
        draw = random.Random(seed)
        self.pace = [draw.uniform(0.5, 2.0) * (10 if draw.random() < 0.05 else 1) for _ in range(workers)]
        self.now = self.busy = self.begun_last = self.busy_then = 0.0
        self.done: dict[int, int] = {}

    def execute_trials(self, trial_fn: Any, configs: Any) -> Iterator[tuple[Any, Any]]:
        source, free = iter(configs), list(range(len(self.pace)))
        flying: list[tuple[float, int, Any, float]] = []
        while True:
            while free and (config := next(source, None)) is not None:
                worker = free.pop()
                seconds = (config.fidelity - self.done.get(config.trial, 0)) * self.pace[worker]
                self._note_begin(config, flying)
                heapq.heappush(flying, (self.now + seconds, worker, config, self.now))
            if not flying:
                return
            end, worker, config, start = heapq.heappop(flying)
            self.busy, self.now = self.busy + end - start, end
            self.done[config.trial] = config.fidelity
            free.append(worker)
            yield config, trial_fn(config)

    def _note_begin(self, config: Any, flying: list[tuple[float, int, Any, float]]) -> None:
        if config.trial not in self.done:
            self.begun_last = self.now
            self.busy_then = self.busy + sum(self.now - start for *_, start in flying)

    def shutdown(self) -> None: ...


def asha(workers: int, trials: int, seed: int) -> None:
    """By the engine itself. After the last trial has begun, any method lets workers go; both shares are given."""
    for pruner in ("asha", "hyperband", "successive_halving"):
        executor = Simulated(workers, seed)
        search = ArchitectureSearch(
            space=SearchSpace(SPACE), evaluator=lambda point, fidelity: -(point["x"] ** 2) - 1 / fidelity,
            strategy="random", pruner=pruner, executor=executor, max_trials=trials, max_resource=81, seed=seed,
            cache=False,
        )  # fmt: skip
        search.run()
        then = executor.busy_then / (executor.begun_last * workers)
        whole = executor.busy / (executor.now * workers)
        print(
            f"{pruner:20} {workers} workers, {trials} trials: busy {then:.1%} until the last begins, {whole:.1%} all"
        )


# ------------------------------------------------------------ trials


def many(strategy: str, count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        search = ArchitectureSearch(
            space=SearchSpace(SPACE), evaluator=lambda p: -p["x"] ** 2, strategy=strategy, max_trials=count,
            store=folder,
        )  # fmt: skip
        began, used = time.perf_counter(), time.process_time()
        search.run()
        seconds, used = time.perf_counter() - began, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{strategy}: {count:,} trials in {seconds:.1f} s, {used:.1f} s of CPU, peak {peak:.2f} GB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=["parallel", "kills", "asha", "trials"])
    parser.add_argument("--count", type=int, help="tasks (40), kills (200), or trials (asha: 2,000; trials: 100,000)")
    parser.add_argument("--workers", type=int, default=64)
    parser.add_argument("--strategy", default="random")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if given.task == "parallel":
        parallel(given.count or 40)
    elif given.task == "kills":
        kills(given.count or 200, 25, given.seed)
    elif given.task == "asha":
        asha(given.workers, given.count or 2000, given.seed)
    else:
        many(given.strategy, given.count or 100_000)


if __name__ == "__main__":
    main()
