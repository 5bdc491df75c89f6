"""The training loop beside hand-written ones, on MNIST: seconds, and whether the weights are the same."""

import random
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (its usual name)
from devices import device, named, seconds
from networks import MNIST, SEED, TRAINED_ON, cnn, mlp, mnist
from torch import Tensor, nn
from torch.utils import data as torch_data

from neuromosaic.core.evaluation.optimisation import rate_factor
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.training import predict, train
from neuromosaic.core.graph.export import export_module
from neuromosaic.core.graph.rebuild import rebuild

RECIPE = Recipe(epochs=1, batch_size=64)


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
    took: dict[str, list[float]] = {way: [] for way in ways}
    weights = {way: run() for way, run in ways.items()}  # warms up as well
    for _ in range(rounds):
        for way, run in ways.items():
            took[way].append(seconds(run))
    medians = {way: statistics.median(values) for way, values in took.items()}
    expected = weights["by_hand_channels_last"]
    same = all(torch.equal(weights["ours"][key].cpu(), expected[key].cpu()) for key in expected)
    return {
        "task": "loop", "network": name, "device": named(), "threads": torch.get_num_threads(),
        "images": TRAINED_ON, "rounds": rounds,
        "seconds": {way: round(value, 3) for way, value in medians.items()}, "same_weights": same,
        "speed_to": {
            way: round(ratio(values, took["ours"]), 3) for way, values in took.items() if way != "ours"
        },
    }  # fmt: skip


def ratio(slower: list[float], faster: list[float]) -> float:
    """Median of the ratios of neighbours in time: a busy spell hits both."""
    return statistics.median(one / other for one, other in zip(slower, faster, strict=True))


def ours(module: nn.Module, x: Tensor, y: Tensor) -> dict[str, Tensor]:
    trained = train(
        module, x[:TRAINED_ON], y[:TRAINED_ON], RECIPE, fidelity=1, seed=SEED, device=device(),
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
    module, x, y = module.to(device()), x.to(device()), y.to(device())
    validation_x, x, y = x[TRAINED_ON:], x[:TRAINED_ON], y[:TRAINED_ON]
    matrices = [weight for weight in module.parameters() if weight.ndim > 1]
    others = [weight for weight in module.parameters() if weight.ndim < 2]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 1e-2}, {"params": others, "weight_decay": 0.0}], lr=2e-3, fused=True
    )
    shuffle = torch.Generator().manual_seed(random.Random(f"{SEED}/shuffle").getrandbits(63))
    steps = -(-len(x) // 64)
    total = torch.zeros((), device=x.device)
    module.train()
    for step, rows in enumerate(torch.split(torch.randperm(len(x), generator=shuffle).to(x.device), 64)):
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
    module = module.to(device())
    loader = torch_data.DataLoader(Images(x[:TRAINED_ON], y[:TRAINED_ON]), batch_size=64, shuffle=True)
    validation = torch_data.DataLoader(Images(x[TRAINED_ON:], y[TRAINED_ON:]), batch_size=256)
    optimizer = torch.optim.AdamW(module.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=len(loader))
    total = 0.0
    module.train()
    for images, labels in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(module(images.to(device())), labels.to(device()))
        loss.backward()
        nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        total += loss.item()
    module.eval()
    with torch.no_grad():
        for images, _ in validation:
            module(images.to(device()))
    return module.state_dict()
