"""One sandbox for all tests that only use it: starting a warm process takes seconds."""

from collections.abc import Iterator

import pytest

from neuromosaic.core.brief import Contract, TensorSpec
from neuromosaic.core.protocols import Program
from neuromosaic.core.sandbox.process import ProcessSandbox
from neuromosaic.core.signature import Signature, signature_of

CNN = """\
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, width: int = 4, classes: int = 10, dropout: float = 0.1):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU())
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(dropout), nn.Linear(width * 64, classes))

    def forward(self, x):
        return self.head(self.features(x))
"""


@pytest.fixture(scope="session")
def contract() -> Contract:
    return Contract(
        task="classification", input=TensorSpec(shape=(1, 8, 8)), output=TensorSpec(shape=(10,)), kind="image"
    )


@pytest.fixture(scope="session")
def signature(contract: Contract) -> Signature:
    return signature_of(contract)


@pytest.fixture(scope="session")
def cnn() -> Program:
    return Program(CNN, {"width": 6}, seed=1)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[ProcessSandbox]:
    sandbox = ProcessSandbox(workers=2, memory_mb=600)
    yield sandbox
    sandbox.close()
