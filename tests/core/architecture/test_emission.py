"""Emitted source passes the tools of whoever receives it."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from neuromosaic.core.architecture.spec import ArchitectureSpec
from tests.core.architecture.random_specs import random_spec

COUNT = 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("emitted")
    draw = random.Random(7)
    for number in range(COUNT):
        (root / f"model{number}.py").write_text(random_spec(draw).to_source())
    return root


def test_it_is_formatted(folder: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--isolated", "--check", "."],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout


@pytest.mark.soak  # the type checker reads all of PyTorch first
def test_it_is_strictly_typed(folder: Path) -> None:
    files = sorted(path.name for path in folder.glob("*.py"))
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", *files],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout


def test_layers_that_repeat_are_a_loop() -> None:
    blocks = [("conv_block", {"channels": 8})] + [("residual_block", {"channels": 8})] * 6
    source = ArchitectureSpec.chain((3, 8, 8), *blocks).to_source()
    assert "*(ResidualBlock(8, 8) for _ in range(6))," in source


def test_only_pytorch_and_the_standard_library_are_imported() -> None:
    draw = random.Random(8)
    for _ in range(COUNT):
        lines = [line for line in random_spec(draw).to_source().splitlines() if line.startswith(("import", "from"))]
        assert set(lines) <= {
            "import itertools",
            "import math",
            "import torch",
            "from torch import Tensor, nn",
            "from torch import nn",
        }
