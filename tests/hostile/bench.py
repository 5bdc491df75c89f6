"""The workers that attempts are played on, and what every attempt is told to be: a classifier of 8x8 images."""

import contextlib
import os
from collections.abc import Iterator
from typing import Final, Self

import numpy as np

from neuromosaic.core.brief import Constraints, Contract, TensorSpec
from neuromosaic.core.errors import NeuromosaicError
from neuromosaic.core.judge.process import ProcessJudge
from neuromosaic.core.protocols import Job, Program
from neuromosaic.core.sandbox.children import Child, WarmProcess
from neuromosaic.core.sandbox.process import ProcessSandbox
from neuromosaic.core.signature import signature_of
from neuromosaic.core.workers.boundary import Accepted
from neuromosaic.core.workers.requests import request
from tests.hostile.traps import children

CONTRACT: Final = Contract(
    task="classification", input=TensorSpec(shape=(1, 8, 8)), output=TensorSpec(shape=(10,)), kind="image"
)
SIGNATURE: Final = signature_of(CONTRACT)
MOST_PARAMETERS: Final = 1000
CONSTRAINTS: Final = Constraints(parameters=MOST_PARAMETERS)
EXAMPLES: Final = 16
MEMORY_MB: Final = 600
SUITE: Final = """\
import torch
from model import Model


def test_shape():
    assert Model().eval()(torch.randn(3, 1, 8, 8)).shape == (3, 10)


def test_uses_its_input():
    torch.manual_seed(0)
    model = Model().eval()
    assert not torch.allclose(model(torch.randn(4, 1, 8, 8)), model(torch.randn(4, 1, 8, 8)))


def test_learns():
    torch.manual_seed(0)
    model, x, y = Model().train(), torch.randn(8, 1, 8, 8), torch.arange(8)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]


def test_same_input_same_output():
    model, x = Model().eval(), torch.randn(2, 1, 8, 8)
    assert torch.equal(model(x), model(x))
"""
HONEST: Final = """\
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        return self.head(x.flatten(1))
"""


def examples() -> tuple[np.ndarray, np.ndarray]:
    """`x` [16, 1, 8, 8], grey values as the brief's own data have them, and `y` [16]."""
    draw = np.random.default_rng(7)
    return draw.random((EXAMPLES, 1, 8, 8)).astype(np.float32), draw.integers(0, 10, EXAMPLES)


class Bench:
    """One sandbox of the given boundary and one judge, replaced where an attempt has spoilt them."""

    def __init__(self, boundary: Accepted = "auto") -> None:
        self._boundary = boundary
        self.played: set[str] = set()
        self._open()

    def _open(self) -> None:
        self.sandbox = ProcessSandbox(workers=2, memory_mb=MEMORY_MB, boundary=self._boundary)
        self.judge = ProcessJudge(workers=1, memory_mb=MEMORY_MB)
        self.level = self.sandbox.boundary

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        self.sandbox.close()
        self.judge.close()

    def renew(self) -> None:
        """New workers, where an attempt has left none of use."""
        self._close()
        self._open()

    @property
    def warm(self) -> WarmProcess:
        """The warm process that the next child comes from."""
        warm = self.sandbox._warm_process()
        assert isinstance(warm, WarmProcess)
        return warm

    def own(self) -> set[int]:
        """The processes that belong here: the judge's, the warm one, and the two of bubblewrap around it."""
        found = {worker._process.pid for worker in self.judge._workers}
        layer = {self.warm._process.pid}
        for _ in range(3 if self.level.startswith("bubblewrap") else 1):
            found |= layer
            layer = children(layer)
        return found

    def folders(self) -> int:
        """How many folders of jobs the warm process has: one is a sibling's, one was planted."""
        found = 0
        for pid in self.own():
            with contextlib.suppress(OSError):
                found = max(found, sum(name.startswith("job-") for name in os.listdir(f"/proc/{pid}/cwd")))
        return found

    def does_honest_work(self) -> bool:
        """Whether both workers still serve an honest candidate."""
        try:
            graph = self.sandbox.export(Program(HONEST, {}, 0), SIGNATURE).graph
            if graph is None:
                return False
            arguments = {"signature": SIGNATURE.model_dump(mode="json")}
            return self.judge.run(Job("inspect", graph, arguments)).body["parameters"] == 650
        except NeuromosaicError:
            return False

    @contextlib.contextmanager
    def sibling(self) -> Iterator["Sibling"]:
        """A locked child that waits for its work beside the attempt."""
        with self.sandbox._fork(cpu_seconds=30) as child:
            child.boundary()
            yield Sibling(child)

    def plant(self, secret: str) -> None:
        """A file with a secret in what looks like another candidate's folder."""
        folder = self.warm._process.folder / "job-sibling"
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
        (folder / "model.py").write_text(secret)


class Sibling:
    """Another candidate's process, as an attempt may see it."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self.pid = child.pid

    @property
    def lives(self) -> bool:
        """Whether it still takes its job and does it."""
        asked = request(Job("export", Program(HONEST, {}, 0), {"signature": SIGNATURE.model_dump(mode="json")}))
        try:
            return "document" in self._child.hold(asked, None, 20).body
        except NeuromosaicError:
            return False
