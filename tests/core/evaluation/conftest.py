"""Real data and small networks for the tests of training and measuring."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from neuromosaic.core.brief import Contract, TensorSpec
from neuromosaic.core.evaluation.data.dataset import Split


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def image_contract() -> Contract:
    return Contract(
        task="classification", input=TensorSpec(shape=(1, 8, 8)), output=TensorSpec(shape=(10,)), kind="image"
    )


@pytest.fixture(scope="session")
def digits() -> SimpleNamespace:
    """scikit-learn's digits, standardised and shuffled: 1200 to train on, 597 to validate."""
    bunch = load_digits()
    order = np.random.default_rng(0).permutation(len(bunch.target))
    x = bunch.images[order, None].astype(np.float32)
    x, y = (x - x.mean()) / x.std(), bunch.target[order].astype(np.int64)
    return SimpleNamespace(train=Split(x[:1200], y[:1200]), validation=Split(x[1200:], y[1200:]))


@pytest.fixture(scope="session")
def small_cnn() -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Dropout(0.1),
            nn.Linear(128, 10),
        )

    return build
