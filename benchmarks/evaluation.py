"""What evaluation costs and how far its cheap signals can be believed.

    python benchmarks/evaluation.py loop --data FOLDER     # the training loop beside hand-written ones, on MNIST
    python benchmarks/evaluation.py streaming                 # the memory and time of training from the disk
    python benchmarks/evaluation.py compiling                 # what torch.compile would save, and when
    python benchmarks/evaluation.py precision                 # steps in float32, bfloat16 and float16
    python benchmarks/evaluation.py stacked                   # 32 small MLPs side by side and one after another
    python benchmarks/evaluation.py proxies --data FOLDER     # zero-cost proxies against NAS-Bench-201's accuracies
    python benchmarks/evaluation.py sharing                   # a supernet and DARTS, against networks alone
    python benchmarks/evaluation.py latency                   # 100 networks' latency told from ten
    python benchmarks/evaluation.py curves --data FOLDER      # the ends of TaskSet's curves, told from a part
    python benchmarks/evaluation.py budget --data FOLDER      # epochs that `auto` takes, beside full training
    python benchmarks/evaluation.py skipping --data FOLDER    # trainings that proxies spare, on the same suggestions
    python benchmarks/evaluation.py vae                       # a VAE beside PCA on the digits
    python benchmarks/evaluation.py densities                 # flows, diffusions, PixelCNNs beside plain densities
    python benchmarks/evaluation.py gan                       # pairs trained in turn beside PCA and a kernel density

FOLDER (or NEUROMOSAIC_BENCH_DATA) holds `mnist/*.gz`, `nasbench201/` and `taskset/`. Prints a JSON line per row.
What is compared runs in turn, on one thread, `--rounds` times; quoted are medians of the seconds of processor time,
which other load changes least.
"""

import argparse
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch


def _loop(options: argparse.Namespace) -> Iterable[dict[str, Any]]:
    from loop import loop

    return loop(options.data, options.rounds)


def _stacked(options: argparse.Namespace) -> Iterable[dict[str, Any]]:
    from stacking import stacked

    return [stacked(options.rounds)]


def _proxies(options: argparse.Namespace) -> Iterable[dict[str, Any]]:
    from proxies import proxies

    return proxies(options.data, options.cells, options.jobs, [20, 50, 100], options.keep)


def _sharing(options: argparse.Namespace) -> Iterable[dict[str, Any]]:
    from sharing import sharing

    return sharing(options.keep)


def _curves(options: argparse.Namespace) -> Iterable[dict[str, Any]]:
    from curves import curves

    return curves(options.data)


def _densities(_: argparse.Namespace) -> Iterable[dict[str, Any]]:
    from generation import densities

    return densities()


def _gan(_: argparse.Namespace) -> Iterable[dict[str, Any]]:
    from generation import gan

    return gan()


def _vae(_: argparse.Namespace) -> Iterable[dict[str, Any]]:
    from generation import vae

    return vae()


def _streaming(options: argparse.Namespace) -> Iterable[dict[str, Any]]:
    from streaming import streaming

    return streaming(options.images, options.rounds)


def _compiling(options: argparse.Namespace) -> Iterable[dict[str, Any]]:
    from compiling import compiling
    from networks import cnn, mlp

    return compiling({"mlp": mlp, "cnn": cnn}, options.rounds)


def _precision(options: argparse.Namespace) -> Iterable[dict[str, Any]]:
    from halving import precision

    return precision(options.rounds)


def _latency(options: argparse.Namespace) -> Iterable[dict[str, Any]]:
    from latencies import latency

    return [latency(options.rounds)]


def _budget(options: argparse.Namespace) -> Iterable[dict[str, Any]]:
    from budget import budget

    return budget(options.data, options.keep, options.only)


def _skipping(options: argparse.Namespace) -> Iterable[dict[str, Any]]:
    from skipping import skipping

    return skipping(options.data, options.keep, options.only)


TASKS: dict[str, Callable[[argparse.Namespace], Iterable[dict[str, Any]]]] = {
    "loop": _loop,
    "stacked": _stacked,
    "proxies": _proxies,
    "sharing": _sharing,
    "latency": _latency,
    "curves": _curves,
    "budget": _budget,
    "skipping": _skipping,
    "vae": _vae,
    "streaming": _streaming,
    "densities": _densities,
    "gan": _gan,
    "compiling": _compiling,
    "precision": _precision,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="+", choices=list(TASKS))
    parser.add_argument("--data", "--tables", type=Path, default=Path(os.environ.get("NEUROMOSAIC_BENCH_DATA", ".")))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--cells", type=int, default=300, help="of proxies")
    parser.add_argument("--images", type=int, default=40_000, help="of streaming")
    parser.add_argument("--jobs", type=int, default=2, help="of proxies")
    parser.add_argument("--keep", type=Path, help="of sharing, budget and proxies: what was measured, read if there")
    parser.add_argument(
        "--only", nargs="+", choices=["digits", "mnist"], default=["digits", "mnist"], help="of budget"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    for task in options.tasks:
        for row in TASKS[task](options):
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
