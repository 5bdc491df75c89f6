"""Suites against hollow stubs and broken variants, in the real sandbox and judge."""

from collections.abc import Callable

import pytest

from neuromosaic.core.brief import Contract
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.protocols import Judge, Program, Sandbox
from neuromosaic.core.validation.suite import green, kill_mutants, red
from neuromosaic.core.validation.tested import check_tests

REASONABLE = """
import pytest
import torch
from torch import nn
from model import Model


@pytest.fixture
def x():
    return torch.randn(8, 1, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Model()


def test_shape_and_dtype(model, x):
    out = model(x)
    assert out.shape == (8, 10) and out.dtype == torch.float32


def test_same_input_same_output(model, x):
    model.eval()
    assert torch.equal(model(x), model(x))


def test_output_depends_on_every_example(model, x):
    out = model.eval()(x)
    assert (out[0] - out[1:]).abs().amax(1).min() > 1e-4


def test_examples_do_not_touch_each_other(model, x):
    model.eval()
    assert torch.allclose(model(x)[:1], model(x[:1]), atol=1e-5)


def test_every_parameter_learns(model, x):
    nn.functional.cross_entropy(model(x), torch.arange(8)).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_train_mode_is_finite(model, x):
    assert model.train()(x).isfinite().all()


def test_it_is_not_linear(model, x):
    model.eval()
    a, b, zero = x[:4], x[4:], torch.zeros(4, 1, 8, 8)
    assert not torch.allclose(model(a + b) - model(b), model(a) - model(zero), atol=1e-3)


def test_overfits_a_batch(model, x):
    y = torch.arange(8)
    step = torch.optim.Adam(model.parameters(), 0.02)
    for _ in range(60):
        step.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        step.step()
    assert loss < 0.5
"""
SHAPES_ONLY = """
import torch
from model import Model

def test_shape():
    assert Model()(torch.zeros(2, 1, 8, 8)).shape == (2, 10)

def test_shape_of_one():
    assert Model()(torch.zeros(1, 1, 8, 8)).shape == (1, 10)

def test_dtype():
    assert Model()(torch.zeros(2, 1, 8, 8)).dtype == torch.float32
"""
VACUOUS = "from model import Model\n" + "".join(f"def test_{n}():\n    assert True\n" for n in range(3))
LOOKS_INSIDE = SHAPES_ONLY + "\ndef test_inner():\n    assert Model().layers[1].out_features == 16\n"
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
PROGRAM = Program(MLP, {}, seed=0)


@pytest.fixture(scope="module")
def graph(mlp_graph: Callable[[], Graph]) -> Graph:
    return mlp_graph()


def test_a_reasonable_suite_fails_on_every_stub(sandbox: Sandbox, contract: Contract) -> None:
    verdict = red(REASONABLE, sandbox, contract)
    assert verdict.findings == ()
    assert verdict.figures["tests"] == 8
    assert all(verdict.figures[f"failed on {name}"] > 0 for name in
               ("ignores its input", "returns zeros", "returns random numbers"))  # fmt: skip


@pytest.mark.parametrize("suite", [VACUOUS, SHAPES_ONLY], ids=["vacuous", "shapes only"])
def test_a_suite_that_tests_nothing_is_found_out(suite: str, sandbox: Sandbox, contract: Contract) -> None:
    assert [finding.code for finding in red(suite, sandbox, contract).findings] == ["green-on-stub"] * 3


def test_a_suite_that_imports_what_is_not_there_is_not_collectable(sandbox: Sandbox, contract: Contract) -> None:
    (finding,) = red("import no_such_module\n" + REASONABLE, sandbox, contract).findings
    assert finding.code == "suite-not-collectable"
    assert "no_such_module" in finding.message


def test_a_good_network_is_green_in_both_lanes(sandbox: Sandbox, graph: Graph) -> None:
    assert green(sandbox.test(REASONABLE, PROGRAM))
    assert check_tests(REASONABLE, PROGRAM, graph, sandbox).findings == ()


def test_a_test_of_inner_layers_counts_for_the_python_alone(sandbox: Sandbox, graph: Graph) -> None:
    verdict = check_tests(LOOKS_INSIDE, PROGRAM, graph, sandbox)
    assert verdict.passed
    assert [(finding.code, finding.message[-10:]) for finding in verdict.findings] == [
        ("suite-disagrees", "test_inner")
    ]


def test_a_reasonable_suite_kills_most_mutants(
    sandbox: Sandbox, judge: Judge, graph: Graph, contract: Contract
) -> None:
    report = kill_mutants(REASONABLE, graph, sandbox, judge, contract, seed=0)
    assert len({row.kind for row in report.rows}) >= 3
    assert report.accepted, [row for row in report.rows if row.fate == "survived"]
    assert set(report.tests) >= {name for row in report.rows for name in row.killed_by if name.startswith("test_")}


def test_a_suite_of_shapes_leaves_survivors(sandbox: Sandbox, judge: Judge, graph: Graph, contract: Contract) -> None:
    report = kill_mutants(SHAPES_ONLY, graph, sandbox, judge, contract, seed=0)
    assert report.survived > report.killed
    assert not report.accepted
    assert {finding.code for finding in report.findings} == {"mutant-survived"}
