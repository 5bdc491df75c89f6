"""What evaluation costs and how far its cheap signals can be believed.

    python benchmarks/evaluation.py loop --data FOLDER     # the training loop beside hand-written ones, on MNIST
    python benchmarks/evaluation.py streaming                 # the memory and time of training from the disk
    python benchmarks/evaluation.py compiling                 # what torch.compile would save, and when
    python benchmarks/evaluation.py stacked                   # 32 small MLPs side by side and one after another
    python benchmarks/evaluation.py proxies --data FOLDER     # zero-cost proxies against NAS-Bench-201's accuracies
    python benchmarks/evaluation.py sharing                   # a supernet and DARTS, against networks alone
    python benchmarks/evaluation.py latency                   # 100 networks' latency told from ten
    python benchmarks/evaluation.py curves --data FOLDER      # the ends of TaskSet's curves, told from a part
    python benchmarks/evaluation.py budget --data FOLDER      # epochs that `auto` takes, beside full training
    python benchmarks/evaluation.py skipping --data FOLDER    # trainings that proxies spare, on the same suggestions
    python benchmarks/evaluation.py vae                       # a VAE beside PCA on the digits
    python benchmarks/evaluation.py densities                 # flows and diffusions beside a normal distribution

FOLDER (or NEUROMOSAIC_BENCH_DATA) holds `mnist/*.gz`, `nasbench201/` and `taskset/`. Prints a JSON line per row.
What is compared runs in turn, on one thread, `--rounds` times; quoted are medians of the seconds of processor time,
which other load changes least.
"""

import argparse
import gzip
import json
import os
import random
import statistics
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (its usual name)
from torch import Tensor, nn
from torch.utils import data as torch_data

from neuromosaic.core.brief import Contract, TensorSpec
from neuromosaic.core.evaluation.data.dataset import Dataset
from neuromosaic.core.evaluation.optimisation import rate_factor
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.stacked_trials import run_stacked_trials
from neuromosaic.core.evaluation.training import predict, train
from neuromosaic.core.evaluation.trial import TrialOutcome, run_trial
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.graph.export import export_module
from neuromosaic.core.graph.rebuild import rebuild
from neuromosaic.core.judge.process import ProcessJudge
from neuromosaic.core.proposals import MetricsPlan

SEED, TRAINED_ON, VALIDATED_ON = 0, 12_000, 2_000
MNIST = Contract(
    task="classification", input=TensorSpec(shape=(1, 28, 28)), output=TensorSpec(shape=(10,)), kind="image"
)
RECIPE = Recipe(epochs=1, batch_size=64)

# ---------------------------------------------------------------- the loop


def loop(data: Path, rounds: int) -> list[dict[str, Any]]:
    """Seconds for one epoch: ours on the rebuilt graph, the same recipe by hand on tensors, and by DataLoader."""
    x, y = mnist(data)
    return [_loop(name, build, x, y, rounds) for name, build in (("mlp", mlp), ("cnn", cnn))]


def _loop(name: str, build: Callable[[], nn.Module], x: Tensor, y: Tensor, rounds: int) -> dict[str, Any]:
    graph = export_module(build(), (x[:4],))
    ways: dict[str, Callable[[], dict[str, Tensor]]] = {
        "ours": lambda: ours(rebuild(graph), x, y),
        "by_hand": lambda: by_hand(build(), x, y),
        "by_hand_channels_last": lambda: by_hand_channels_last(build(), x, y),
        "dataloader": lambda: by_dataloader(build(), x, y),
    }
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    weights = {way: run() for way, run in ways.items()}  # warms up as well
    for _ in range(rounds):
        for way, run in ways.items():
            began = time.process_time()
            run()
            seconds[way].append(time.process_time() - began)
    medians = {way: statistics.median(values) for way, values in seconds.items()}
    expected = weights["by_hand_channels_last"]
    same = all(torch.equal(weights["ours"][key], expected[key]) for key in expected)
    return {
        "task": "loop", "network": name, "images": TRAINED_ON, "rounds": rounds, "threads": torch.get_num_threads(),
        "seconds": {way: round(value, 3) for way, value in medians.items()}, "same_weights": same,
        "speed_to": {
            way: round(_ratio(values, seconds["ours"]), 3) for way, values in seconds.items() if way != "ours"
        },
    }  # fmt: skip


def _ratio(slower: list[float], faster: list[float]) -> float:
    """Median of the ratios of neighbours in time: a busy spell hits both."""
    return statistics.median(one / other for one, other in zip(slower, faster, strict=True))


def ours(module: nn.Module, x: Tensor, y: Tensor) -> dict[str, Tensor]:
    trained = train(
        module, x[:TRAINED_ON], y[:TRAINED_ON], RECIPE, fidelity=1, seed=SEED, device="cpu",
        validation_x=x[TRAINED_ON:], contract=MNIST, report=lambda *_: (False, False),
    )  # fmt: skip
    assert trained.weights is not None
    return trained.weights


def by_hand(module: nn.Module, x: Tensor, y: Tensor) -> dict[str, Tensor]:
    """The recipe written out, contiguous images: what an engineer would write for this network on tensors."""
    return _by_hand(module, x, y)


def by_hand_channels_last(module: nn.Module, x: Tensor, y: Tensor) -> dict[str, Tensor]:
    """The same with the one trick that ours plays besides."""
    return _by_hand(module, x.to(memory_format=torch.channels_last), y)


def _by_hand(module: nn.Module, x: Tensor, y: Tensor) -> dict[str, Tensor]:
    validation_x, x, y = x[TRAINED_ON:], x[:TRAINED_ON], y[:TRAINED_ON]
    matrices = [weight for weight in module.parameters() if weight.ndim > 1]
    others = [weight for weight in module.parameters() if weight.ndim < 2]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 1e-2}, {"params": others, "weight_decay": 0.0}], lr=2e-3, fused=True
    )
    shuffle = torch.Generator().manual_seed(random.Random(f"{SEED}/shuffle").getrandbits(63))
    steps = -(-len(x) // 64)
    total = torch.zeros(())
    module.train()
    for step, rows in enumerate(torch.split(torch.randperm(len(x), generator=shuffle), 64)):
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * rate_factor(step, steps, 0.05)
        optimizer.zero_grad()
        loss = F.cross_entropy(module(x[rows]), y[rows])
        loss.backward()
        nn.utils.clip_grad_norm_(module.parameters(), 1.0, foreach=True)
        optimizer.step()
        total += loss.detach()
    predict(module, validation_x)
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


class Images(torch_data.Dataset[tuple[Tensor, Tensor]]):
    """As tutorials have it: bytes that become a standardised image when they are asked for, one at a time."""

    def __init__(self, x: Tensor, y: Tensor) -> None:
        self.mean, self.std = float(x.min()), float(x.max() - x.min())
        self.x, self.y = ((x - self.mean) / self.std * 255).byte(), y

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor]:
        return self.x[row].float().div(255).mul(self.std).add(self.mean), self.y[row]


def by_dataloader(module: nn.Module, x: Tensor, y: Tensor) -> dict[str, Tensor]:
    """The usual loop, with the options that are usual: defaults."""
    loader = torch_data.DataLoader(Images(x[:TRAINED_ON], y[:TRAINED_ON]), batch_size=64, shuffle=True)
    validation = torch_data.DataLoader(Images(x[TRAINED_ON:], y[TRAINED_ON:]), batch_size=256)
    optimizer = torch.optim.AdamW(module.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=len(loader))
    total = 0.0
    module.train()
    for images, labels in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(module(images), labels)
        loss.backward()
        nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        total += loss.item()
    module.eval()
    with torch.no_grad():
        for images, _ in validation:
            module(images)
    return module.state_dict()


# ---------------------------------------------------------------- side by side


def stacked(rounds: int, count: int = 32) -> dict[str, Any]:
    """Seconds for `count` trainings of one MLP on the digits by a judge of two workers, and of one.

    Other seeds, learning rates and weight decays; wall clock, and every message and score of the host included.
    """
    recipes = [
        Recipe(epochs=5, learning_rate=1e-3 * 1.1**number, weight_decay=0.01 * (number % 3))
        for number in range(count)
    ]
    graphs, data = [digits_mlp(number) for number in range(count)], digits()
    plan = MetricsPlan(loss="cross_entropy", primary="accuracy", report=())
    judge = ProcessJudge(workers=2)
    judge.warm_up()

    def alone(number: int) -> TrialOutcome:
        return run_trial(judge, graphs[number], data, recipes[number], plan, fidelity=1, seed=number)

    def together(numbers: range) -> list[TrialOutcome]:
        return run_stacked_trials(
            judge, [graphs[number] for number in numbers], data, [recipes[number] for number in numbers], plan,
            fidelity=1, seeds=list(numbers),
        )  # fmt: skip

    halves = [range(count // 2), range(count // 2, count)]
    with ThreadPoolExecutor(2) as pool:
        ways: dict[str, Callable[[], list[TrialOutcome]]] = {
            "one_after_another": lambda: [alone(number) for number in range(count)],
            "one_after_another_on_two": lambda: list(pool.map(alone, range(count))),
            "stacked_in_one": lambda: together(range(count)),
            "stacked_in_two": lambda: [one for half in pool.map(together, halves) for one in half],
        }
        outcomes = {way: run() for way, run in ways.items()}
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(rounds):
            for way, run in ways.items():
                began = time.perf_counter()
                run()
                seconds[way].append(time.perf_counter() - began)
    judge.close()
    accuracies = {way: [one.metrics["accuracy"] for one in found] for way, found in outcomes.items()}
    reference = accuracies["one_after_another"]
    return {
        "task": "stacked", "members": count, "rounds": rounds,
        "seconds": {way: round(statistics.median(values), 3) for way, values in seconds.items()},
        "stacked_in_one_to_one_after_another": round(
            _ratio(seconds["one_after_another"], seconds["stacked_in_one"]), 2),
        "stacked_in_two_to_one_after_another_on_two": round(
            _ratio(seconds["one_after_another_on_two"], seconds["stacked_in_two"]), 2),
        "largest_difference_in_accuracy": max(
            abs(one - other) for found in accuracies.values() for one, other in zip(found, reference, strict=True)),
    }  # fmt: skip


def digits() -> Dataset:
    from neuromosaic.core.brief import Brief
    from neuromosaic.core.evaluation.data.loading import load_dataset

    return load_dataset(Brief(data="digits"))


def digits_mlp(seed: int) -> Graph:
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 10))
    return export_module(net, (torch.randn(4, 1, 8, 8),))


# ---------------------------------------------------------------- data and networks


def mnist(data: Path) -> tuple[Tensor, Tensor]:
    """Standardised float32 [n, 1, 28, 28] and int64 [n]: the first images, to train on and then to validate."""
    count = TRAINED_ON + VALIDATED_ON
    with gzip.open(data / "mnist" / "train-images-idx3-ubyte.gz") as file:
        pixels = torch.frombuffer(bytearray(file.read()[16:]), dtype=torch.uint8)
    with gzip.open(data / "mnist" / "train-labels-idx1-ubyte.gz") as file:
        labels = torch.frombuffer(bytearray(file.read()[8:]), dtype=torch.uint8)
    x = pixels.reshape(-1, 1, 28, 28)[:count].float()
    return (x - x.mean()) / x.std(), labels[:count].long()


def mlp() -> nn.Module:
    torch.manual_seed(SEED)
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))


def cnn() -> nn.Module:
    """Some 20,000 parameters."""
    torch.manual_seed(SEED)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(784, 24), nn.ReLU(), nn.Linear(24, 10),
    )  # fmt: skip


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


def _vae(_: argparse.Namespace) -> Iterable[dict[str, Any]]:
    from generation import vae

    return vae()


def _streaming(options: argparse.Namespace) -> Iterable[dict[str, Any]]:
    from streaming import streaming

    return streaming(options.images, options.rounds)


def _compiling(options: argparse.Namespace) -> Iterable[dict[str, Any]]:
    from compiling import compiling

    return compiling({"mlp": mlp, "cnn": cnn}, options.rounds)


def _budget(options: argparse.Namespace) -> Iterable[dict[str, Any]]:
    from budget import budget

    return budget(options.data, options.keep, options.only)


def _skipping(options: argparse.Namespace) -> Iterable[dict[str, Any]]:
    from skipping import skipping

    return skipping(options.data, options.keep, options.only)


def _latency(options: argparse.Namespace) -> Iterable[dict[str, Any]]:
    from latencies import latency

    return [latency(options.rounds)]


TASKS: dict[str, Callable[[argparse.Namespace], Iterable[dict[str, Any]]]] = {
    "loop": lambda options: loop(options.data, options.rounds),
    "stacked": lambda options: [stacked(options.rounds)],
    "proxies": _proxies,
    "sharing": _sharing,
    "latency": _latency,
    "curves": _curves,
    "budget": _budget,
    "skipping": _skipping,
    "vae": _vae,
    "streaming": _streaming,
    "densities": _densities,
    "compiling": _compiling,
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
