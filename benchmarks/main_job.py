"""The main job end to end: time, memory, certified figures.

    python benchmarks/main_job.py startup demo                      # no data needed
    python benchmarks/main_job.py mnist housing shakespeare --data FOLDER     # or NEUROMOSAIC_BENCH_DATA

Each task runs the command line as a user would, in a process of its own, and reads the results.json that it prints.
Memory is the sum of the proportional set sizes (shared pages counted once) of all its processes, at its highest of
samples taken five times a second; Linux only.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

NEUROMOSAIC = [sys.executable, "-m", "neuromosaic"]
DIGITS = "classify 8x8 grey images of handwritten digits, under 20k parameters, under 1 ms per image on CPU"
TASKS = {
    "mnist": (["classify handwritten digits, under 50k parameters, in 10 minutes"], "mnist", "accuracy"),
    "housing": (["predict house values, under 20k parameters, in 3 minutes"], "california_housing", "rmse"),
    "shakespeare": (["a character language model, under 200k parameters, in 6 minutes"], "tinyshakespeare/input.txt",
                    "bits_per_character"),
}  # fmt: skip


class Memory(threading.Thread):
    """Samples a process and all its descendants until `done` is set; `peak` in MB."""

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self.root, self.peak, self.done = root, 0.0, threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.2):
            self.peak = max(self.peak, sum(proportional_kb(pid) for pid in descendants(self.root)) / 1000)


def descendants(root: int) -> set[int]:
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    family = {root}
    while grown := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= grown
    return family


def proportional_kb(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    return next((float(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")), 0.0)


def design(arguments: list[str], seed: int) -> dict[str, Any]:
    """One run of `neuromosaic design`, in a fresh store."""
    with tempfile.TemporaryDirectory() as folder:
        command = [*NEUROMOSAIC, "design", *arguments, "--seed", str(seed), "--json", "--out", f"{folder}/out"]
        began = time.perf_counter()
        process = subprocess.Popen(
            [*command, "--store", f"{folder}/store"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        memory = Memory(process.pid)
        memory.start()
        output, log = process.communicate()
        memory.done.set()
        if process.returncode not in (0, 1) or not output:
            raise SystemExit(f"the run failed ({process.returncode}): {log[-2000:]}")
        return {"seconds": time.perf_counter() - began, "peak_mb": memory.peak, "results": json.loads(output)}


def summary(task: str, metric: str, seed: int, run: dict[str, Any]) -> dict[str, Any]:
    results = run["results"]
    chosen = results["winner"] or results["nearest"]
    baselines = {
        name: (found["metrics"] if name == "random_search" and found else found or {}).get(f"test_{metric}")
        for name, found in results["baselines"].items()
    }
    return {
        "task": task, "seed": seed, "status": results["status"], "seconds": round(run["seconds"], 1),
        "peak_mb": round(run["peak_mb"]), "metric": metric, "test": chosen["metrics"][f"test_{metric}"],
        "interval": chosen["intervals"].get(f"test_{metric}"), "parameters": chosen["parameters"],
        "latency_ms_p50": chosen["latency_ms"]["p50"], "winner": chosen["name"], "baselines": baselines,
    }  # fmt: skip


def startup() -> dict[str, Any]:
    """Medians of five, and what was imported that should not be."""
    timed = {
        "help_s": [*NEUROMOSAIC, "--help"],
        "import_s": [sys.executable, "-c", "import neuromosaic"],
        "python_s": [sys.executable, "-c", "pass"],
    }
    medians = {name: statistics.median(_seconds(command) for _ in range(5)) for name, command in timed.items()}
    probe = (
        "import sys; from neuromosaic.interfaces.cli import run; run(['--help']);"
        "print([m for m in ('torch', 'langgraph', 'litellm', 'sklearn') if m in sys.modules])"
    )
    heavy = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout
    return {"task": "startup", **{k: round(v, 3) for k, v in medians.items()}, "heavy": heavy.splitlines()[-1]}


def _seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="+", choices=["startup", "demo", *TASKS])
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("NEUROMOSAIC_BENCH_DATA", ".")))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    options = parser.parse_args()
    for task in options.tasks:
        if task == "startup":
            print(json.dumps(startup()), flush=True)
            continue
        for seed in options.seeds:
            arguments, data, metric = TASKS.get(task, ([DIGITS], "", "accuracy"))
            run = design([*arguments, "--data", "digits" if task == "demo" else str(options.data / data)], seed)
            print(json.dumps(summary(task, metric, seed, run)), flush=True)


if __name__ == "__main__":
    main()
