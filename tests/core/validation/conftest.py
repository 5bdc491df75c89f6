"""Workers that answer as a test tells them to, for the logic around workers; real ones where it is about networks."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from neuromosaic.core.brief import Contract, TensorSpec
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.graph.tensors import from_numpy
from neuromosaic.core.protocols import Converse, Exported, Job, Judge, Message, Program, Sandbox, SuiteOutcome
from neuromosaic.core.signature import Signature, signature_of

SUITE = "the suite"
SEEN = from_numpy(np.ones((2, 3), np.float32))
MLP = """
import torch
from torch import nn

class Model(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))

    def forward(self, x):
        return self.layers(x)
"""
Answer = Any
"""The body of a message, a whole message, an error to raise, or a function of the job that gives one of these."""


def answer(script: Answer, *arguments: Any) -> Any:
    given = script(*arguments) if callable(script) else script
    if isinstance(given, Exception):
        raise given
    return given


class Scripted:
    """A sandbox and a judge in one: `outcome` is of a suite on a program, `answers` are by kind of job.

    What it was asked is in `jobs` and `programs`.
    """

    boundary = "scripted"

    def __init__(self, export: Answer = None, outcome: Answer = None, **answers: Answer) -> None:
        self._export, self._outcome, self._answers = export, outcome, answers
        self.jobs: list[Job] = []
        self.programs: list[tuple[str, Program]] = []

    def export(self, program: Program, signature: Signature, timeout: float = 60.0) -> Exported:
        """`export` may be a whole answer, or the graph alone."""
        self.programs.append(("export", program))
        given = answer(self._export, program)
        return Exported(given, inputs=(SEEN,), outputs=(SEEN,)) if isinstance(given, Graph) else given

    def test(self, suite: str, program: Program, timeout: float = 120.0) -> SuiteOutcome:
        self.programs.append(("test", program))
        return answer(self._outcome, program)

    def run(self, job: Job, converse: Converse | None = None) -> Message:
        self.jobs.append(job)
        given = answer(self._answers[job.kind], job)
        return given if isinstance(given, Message) else Message(given)

    def close(self) -> None:
        pass


@pytest.fixture
def scripted() -> type[Scripted]:
    return Scripted


@pytest.fixture
def contract() -> Contract:
    shape, scores = TensorSpec(shape=(1, 8, 8)), TensorSpec(shape=(10,))
    return Contract(task="classification", input=shape, output=scores, kind="image")


@pytest.fixture
def signature(contract: Contract) -> Signature:
    return signature_of(contract)


@pytest.fixture
def x() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((16, 1, 8, 8)).astype(np.float32)


@pytest.fixture
def y() -> np.ndarray:
    return np.arange(16) % 10


@pytest.fixture(scope="session")
def mlp_graph() -> Callable[[str], Graph]:
    """The graph of a small network of the given activation, exported in this process."""
    import torch
    from torch import nn

    from neuromosaic.core.graph.export import export_module

    def make(activation: str = "ReLU") -> Graph:
        torch.manual_seed(0)
        layers = [nn.Flatten(), nn.Linear(64, 16), getattr(nn, activation)(), nn.Linear(16, 10)]
        return export_module(nn.Sequential(*layers), (torch.zeros(2, 1, 8, 8),))

    return make


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    from neuromosaic.core.sandbox.process import ProcessSandbox

    real = ProcessSandbox(workers=2, memory_mb=2000)
    yield real
    real.close()


@pytest.fixture(scope="session")
def judge() -> Iterator[Judge]:
    from neuromosaic.core.judge.process import ProcessJudge

    real = ProcessJudge(workers=1)
    yield real
    real.close()
