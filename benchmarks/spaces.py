"""How fast spaces are sampled, encoded and hashed, on one core: one JSON object per line.

    python benchmarks/spaces.py                   # all tasks
    python benchmarks/spaces.py sampling          # or encoding, cells

Rates are per second, the best of --repeats, by the process's own CPU time (of one thread) and by the wall clock.

sampling: a space of 20 parameters (whole numbers, choices, ordinals, floats in log space, a bool), two constraints.
    "text": both as text over two whole numbers each; "functions": the same two as lambdas; "floats": text over
    floats, where points are tried; "prepare_ms": what the first draw costs besides, once per space.
encoding: encode and decode of points of that space: "batch" by encode_many and decode_many, "single" one by one;
    "anywhere": decoding random vectors, of which most break a constraint and are moved to a near valid point.
cells: "hashes": key(point) of cells of NAS-Bench-201, each computed from its edges, nothing kept from one to the
    next; "canonical": the first cell that is the same network, by a list whose making takes "list_ms";
    "distinct": cells under each definition.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from neuromosaic.core.space.cells.forms import DEFINITIONS, distinct
from neuromosaic.core.space.cells.spaces import NASBENCH201, nasbench201_cells
from neuromosaic.core.space.encoders import PointEncoder
from neuromosaic.core.space.space import SearchSpace

PARAMETERS: dict[str, Any] = {
    **{f"width{n}": {"type": "int", "min": 1, "max": 64} for n in range(8)},
    **{f"kind{n}": {"type": "categorical", "values": ["conv", "pool", "skip", "attention"]} for n in range(5)},
    **{f"rate{n}": {"type": "float", "min": 1e-4, "max": 1, "log": True} for n in range(4)},
    **{f"groups{n}": {"type": "ordinal", "values": [1, 2, 4, 8]} for n in range(2)},
    "norm": {"type": "bool"},
}
TEXTS = ["width0 * width1 < 1500", "width2 + width3 <= 80"]
FUNCTIONS = [lambda x: x["width0"] * x["width1"] < 1500, lambda x: x["width2"] + x["width3"] <= 80]
FLOATS = ["rate0 < rate1", "rate2 * width0 < 8"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", choices=[*TASKS, []], help="default: all")
    parser.add_argument("--count", type=int, default=20_000, help="points or cells each time")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    for task in given.tasks or TASKS:
        TASKS[task](given.count, given.repeats)


def sampling(count: int, repeats: int) -> None:
    for name, constraints in {"text": TEXTS, "functions": FUNCTIONS, "floats": FLOATS}.items():
        space = SearchSpace(PARAMETERS, constraints)
        began = time.perf_counter()
        space.sample_many(1, seed=0)
        prepare = 1000 * (time.perf_counter() - began)
        told = rate(lambda space=space: space.sample_many(count, seed=1), count, repeats)
        tell(sampling=name, **told, prepare_ms=round(prepare, 1))


def encoding(count: int, repeats: int) -> None:
    space = SearchSpace(PARAMETERS, TEXTS)
    encoder = PointEncoder(space)
    points = space.sample_many(count, seed=1)
    assert encoder.decode_many(encoder.encode_many(points)) == points
    tell(encoding="batch", **rate(lambda: encoder.decode_many(encoder.encode_many(points)), count, repeats))
    few = points[: count // 20]
    tell(encoding="single", **rate(lambda: [encoder.decode(encoder.encode(p)) for p in few], len(few), repeats))
    vectors = np.random.default_rng(0).random((count // 40, encoder.dimension))
    tell(encoding="anywhere", **rate(lambda: encoder.decode_many(vectors), len(vectors), 1))


def cells(count: int, repeats: int) -> None:
    space = nasbench201_cells()
    points = space.sample_many(count, seed=0)
    tell(cells="hashes", **rate(lambda: [space.key(point) for point in points], count, repeats))
    began = time.perf_counter()
    space.canonical(points[0])
    made = 1000 * (time.perf_counter() - began)
    told = rate(lambda: [space.canonical(point) for point in points], count, repeats)
    tell(cells="canonical", **told, list_ms=round(made))
    tell(cells="distinct", **{name: distinct(NASBENCH201, definition) for name, definition in DEFINITIONS.items()})


TASKS: dict[str, Callable[[int, int], None]] = {"sampling": sampling, "encoding": encoding, "cells": cells}


def rate(work: Callable[[], object], count: int, repeats: int) -> dict[str, int]:
    best_cpu = best_wall = float("inf")
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        best_cpu = min(best_cpu, time.process_time() - cpu)
        best_wall = min(best_wall, time.perf_counter() - wall)
    return {"per_cpu_second": round(count / best_cpu), "per_second": round(count / best_wall)}


def tell(**facts: Any) -> None:
    print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    sys.exit(main())
