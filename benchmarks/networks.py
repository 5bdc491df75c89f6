"""The networks and images that several benchmarks train."""

import gzip
from pathlib import Path

import torch
from torch import Tensor, nn

from neuromosaic.core.brief import Contract, TensorSpec

SEED, TRAINED_ON, VALIDATED_ON = 0, 12_000, 2_000
MNIST = Contract(
    task="classification", input=TensorSpec(shape=(1, 28, 28)), output=TensorSpec(shape=(10,)), kind="image"
)


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
