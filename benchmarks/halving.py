"""Training steps in float32, bfloat16 and float16: how long they take, and what the first ones come to."""

import statistics
from collections.abc import Iterable
from typing import Any

import torch
from devices import device, named
from networks import MNIST, SEED, cnn, mlp
from torch import Tensor, nn

from neuromosaic.core.brief import Contract, TensorSpec
from neuromosaic.core.evaluation import probing
from neuromosaic.core.evaluation.precision import decide
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.graph.export import export_module
from neuromosaic.core.graph.rebuild import rebuild

BATCH, WORDS, TIME = 64, 128, 32
TEXT = Contract(
    task="classification", kind="text",
    input=TensorSpec(shape=(TIME,), dtype="int64", upper=WORDS), output=TensorSpec(shape=(10,)),
)  # fmt: skip


def precision(rounds: int) -> Iterable[dict[str, Any]]:
    """A row per network, of the median of `rounds` measurements such as `--precision auto` makes one of."""
    for name, (module, contract) in networks().items():
        x = examples(contract)
        graph = export_module(module, (x[:4],))
        y = (x.flatten(1)[:, :10].float() + torch.arange(10) / 100).argmax(1)
        found = [
            probing.try_precisions(
                rebuild(graph), x, y, Recipe(batch_size=BATCH), seed=SEED, device=device(), contract=contract
            )
            for _ in range(rounds)
        ]
        decided = [decide({kind: one._asdict() for kind, one in tried.items()}) for tried in found]
        kinds = probing.PRECISIONS
        seconds = {kind: [statistics.median(tried[kind].seconds) for tried in found] for kind in kinds}
        losses = {kind: found[0][kind].losses for kind in kinds if found[0][kind].losses}
        gains = {kind: [one.gains[kind] for one in decided] for kind in decided[0].gains}
        yield {
            "task": "precision", "network": name, "device": named(), "rounds": rounds,
            "step_ms": {kind: round(1e3 * statistics.median(values), 3) for kind, values in seconds.items()},
            "first_losses": {kind: round(statistics.fmean(values), 4) for kind, values in losses.items()},
            "gain": {kind: round(statistics.median(values), 2) for kind, values in gains.items()},
            "decided": {kind: sum(one.precision == kind for one in decided) for kind in kinds},
        }  # fmt: skip


def networks() -> dict[str, tuple[nn.Module, Contract]]:
    """Small and wide ones: what few bits save are products, and what they cost is one cast per product."""
    return {
        "mlp": (mlp(), MNIST), "wide mlp": (dense(1024), MNIST),
        "cnn": (cnn(), MNIST), "wide cnn": (wide_cnn(), MNIST),
        "transformer": (Transformer(64), TEXT), "wide transformer": (Transformer(256), TEXT),
    }  # fmt: skip


def examples(contract: Contract) -> Tensor:
    draw = torch.Generator().manual_seed(SEED)
    shape = (8 * BATCH, *contract.input.shape)
    if contract is TEXT:
        return torch.randint(0, WORDS, shape, generator=draw)
    return torch.randn(shape, generator=draw)


def dense(width: int) -> nn.Module:
    torch.manual_seed(SEED)
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)
    )


def wide_cnn() -> nn.Module:
    torch.manual_seed(SEED)
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(64, 128, 3, padding=1), nn.BatchNorm2d(128), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10),
    )  # fmt: skip


class Transformer(nn.Module):
    """Two layers of four heads over 32 words."""

    def __init__(self, width: int) -> None:
        super().__init__()
        torch.manual_seed(SEED)
        self.words = nn.Embedding(WORDS, width)
        self.layers = nn.Sequential(
            *(
                nn.TransformerEncoderLayer(width, 4, 4 * width, 0.0, batch_first=True, norm_first=True)
                for _ in range(2)
            )
        )
        self.out = nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.out(self.layers(self.words(x)).mean(1))
        return out
