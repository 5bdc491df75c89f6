"""Networks that are known to be good or bad, through the real sandbox and the real judge."""

from typing import Any

import numpy as np
import pytest

from neuromosaic.core.brief import Constraints, Contract, TensorSpec
from neuromosaic.core.graph.tensors import from_numpy
from neuromosaic.core.protocols import Judge, Program, Sandbox
from neuromosaic.core.signature import signature_of
from neuromosaic.core.validation.behave import Examples
from neuromosaic.core.validation.climb import Climb
from neuromosaic.core.validation.ladder import Ladder

CLASSES = 10
IMAGE = Contract(
    task="classification", input=TensorSpec(shape=(1, 8, 8)), output=TensorSpec(shape=(CLASSES,)), kind="image"
)
SEQUENCE = Contract(
    task="classification", input=TensorSpec(shape=(6, 4)), output=TensorSpec(shape=(CLASSES,)), kind="sequence"
)
TEXT = Contract(
    task="language_modelling",
    input=TensorSpec(shape=(6,), dtype="int64", upper=CLASSES),
    output=TensorSpec(shape=(6, CLASSES)),
    kind="text",
)
TABLE = Contract(task="regression", input=TensorSpec(shape=(5,)), output=TensorSpec(shape=(2,)), kind="tabular")


def climb(source: str, contract: Contract, sandbox: Sandbox, judge: Judge, timeout: float = 60.0) -> Climb:
    draw = np.random.default_rng(0)
    x: Any = draw.standard_normal((16, *contract.input.shape)).astype(np.float32)
    y: Any = draw.integers(0, CLASSES, 16)
    if contract is TEXT:
        x, y = draw.integers(0, CLASSES, (2, 16, 6))
    if contract is TABLE:
        y = draw.standard_normal((16, 2)).astype(np.float32)
    examples = Examples({"x/0": from_numpy(x), "y": from_numpy(y)})
    ladder = Ladder(sandbox, judge, signature_of(contract), Constraints(), examples, timeout=timeout)
    return ladder.climb(Program(source, {}, seed=0))


def network(init: str, forward: str, before: str = "") -> str:
    """model.py of a `Model` whose constructor and forward have these lines."""
    lines = ["import torch", "from torch import nn", before, "class Model(nn.Module):", "    def __init__(self):"]
    lines += ["        super().__init__()", *(f"        {line}" for line in init.strip().splitlines())]
    lines += ["    def forward(self, x):", *(f"        {line}" for line in forward.strip().splitlines())]
    return "\n".join(lines) + "\n"


DENSE = "self.head = nn.Linear(64, 10)"
GOOD = {
    "mlp": (IMAGE, network("self.net = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.Dropout(), nn.Linear(8, 10))",
                           "return self.net(x)")),
    "cnn": (IMAGE, network("""
self.conv = nn.Conv2d(1, 8, 3, padding=1, bias=False)
self.norm = nn.BatchNorm2d(8)
self.head = nn.Linear(8, 10)""", "return self.head(torch.relu(self.norm(self.conv(x))).mean((2, 3)))")),
    "gru": (SEQUENCE, network("""
self.gru = nn.GRU(4, 8, batch_first=True)
self.head = nn.Linear(8, 10)""", """
states, _ = self.gru(x)
return self.head(states[:, -1])""")),
    "transformer": (TEXT, network("""
self.embed = nn.Embedding(10, 16)
self.place = nn.Parameter(torch.randn(6, 16))
self.block = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
self.head = nn.Linear(16, 10)
self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(6))""", """
steps = x.shape[1]
hidden = self.embed(x) + self.place[:steps]
return self.head(self.block(hidden, src_mask=self.mask[:steps, :steps], is_causal=True))""")),
    "regressor": (TABLE, network("self.net = nn.Sequential(nn.Linear(5, 8), nn.LayerNorm(8), nn.Linear(8, 2))",
                                 "return self.net(x)")),
}  # fmt: skip
BAD = {
    "no-gradient": network(DENSE + "\nself.spare = nn.Linear(4, 4)", "return self.head(x.flatten(1))"),
    "batch-leak": network(DENSE, "x = x.flatten(1)\nreturn self.head(x - x.mean(0, keepdim=True))"),
    "double-softmax": network(DENSE, "return self.head(x.flatten(1)).softmax(-1)"),
    "non-finite-output": network(DENSE, "return self.head(x.flatten(1)).log()"),
    "output-shape": network("self.head = nn.Linear(64, 9)", "return self.head(x.flatten(1))"),
    "output-dtype": network(DENSE, "return self.head(x.flatten(1)).double()"),
    "not-a-tensor": network(DENSE, "return self.head(x.flatten(1)), x"),
    "non-deterministic": network(DENSE + "\nself.calls = 0",
                                 "self.calls += 1\nreturn self.head(x.flatten(1)) + self.calls"),
    "state-dict": network(DENSE + "\nself.shift = torch.randn(10)",
                          "return self.head(x.flatten(1)) + self.shift"),
    "train-raised": network(DENSE, "x = self.head(x.flatten(1))\nreturn x.view(-1, 7) if self.training else x"),
    "sigmoid-before-loss": network(DENSE, "return self.head(x.flatten(1)).sigmoid()"),
    "does-not-learn": network("self.scale = nn.Parameter(torch.ones(10))",
                              "return x.flatten(1)[:, :10] * 0 + self.scale * 0"),
    "argument-without-default": network(DENSE, "return self.head(x.flatten(1))").replace("(self):", "(self, width):"),
    "import-not-allowed": network(DENSE, "return self.head(x.flatten(1))", before="import os"),
    "constructor": network("self.head = nn.Linear(64, '10')", "return self.head(x.flatten(1))"),
    "forward-raised": network(DENSE, "return self.head(x.reshape(2, 64))"),
    "import": network(DENSE, "return self.head(x.flatten(1))", before="nn.NoSuchLayer"),
    "memory": network(DENSE + "\nself.spare = [torch.empty(250_000_000) for _ in range(100)]", "return x"),
    "timeout": network(DENSE, "return self.head(x.flatten(1))", before="while True: pass"),
}  # fmt: skip
MISFIT = network("self.head = nn.Linear(63, 10)", "return self.head(x.flatten(1))")
DATA_DEPENDENT = network(DENSE, """
scores = self.head(x.flatten(1))
if scores.sum() > 1e9:
    scores = scores * 2
return scores""")  # fmt: skip


@pytest.mark.parametrize("name", list(GOOD))
def test_a_good_network_is_accepted(name: str, sandbox: Sandbox, judge: Judge) -> None:
    contract, source = GOOD[name]
    reached = climb(source, contract, sandbox, judge)
    assert [finding for finding in reached.findings if finding.severity == "error"] == []
    assert (reached.accepted, reached.lane) == (True, "graph")
    assert reached.figures["parameters"] > 0
    assert reached.figures["flops"] > 0
    assert reached.figures["peak_memory_mb"] > 0
    assert reached.figures["seconds_per_step"] > 0


@pytest.mark.parametrize("code", list(BAD))
def test_a_bad_network_is_stopped_for_the_right_reason(code: str, sandbox: Sandbox, judge: Judge) -> None:
    reached = climb(BAD[code], IMAGE, sandbox, judge, timeout=1.5 if code == "timeout" else 60.0)
    assert not reached.accepted
    assert {finding.code for finding in reached.findings if finding.severity == "error"} == {code}


def test_a_fault_is_told_with_its_place(sandbox: Sandbox, judge: Judge) -> None:
    (fault,) = (f for f in climb(MISFIT, IMAGE, sandbox, judge).findings if f.severity == "error")
    assert (fault.code, fault.line, fault.layer) == ("forward-raised", 9, "head")
    (fault, *_) = climb(BAD["output-shape"], IMAGE, sandbox, judge).findings
    assert "[1, 10]" in fault.message
    assert "[1, 9]" in fault.message


def test_python_that_cannot_become_a_graph_is_accepted_in_its_own_lane(sandbox: Sandbox, judge: Judge) -> None:
    reached = climb(DATA_DEPENDENT, IMAGE, sandbox, judge)
    assert (reached.accepted, reached.lane, reached.graph) == (True, "python", None)
    assert [finding.code for finding in reached.findings] == ["not-exportable"]
    assert reached.figures["parameters"] == 650


@pytest.mark.parametrize("code", ["no-gradient", "batch-leak", "double-softmax", "output-shape", "non-deterministic"])
def test_the_python_lane_is_held_to_the_same(code: str, sandbox: Sandbox, judge: Judge) -> None:
    """The same faults in networks that look at values, so that no graph can be made of them."""
    source = BAD[code].replace("(self, x):\n", "(self, x):\n        if x.sum() > 1e9:\n            x = x * 2\n")
    reached = climb(source, IMAGE, sandbox, judge)
    assert reached.lane == "python"
    assert {finding.code for finding in reached.findings if finding.severity == "error"} == {code}


def test_the_same_network_in_other_words_has_the_same_id(sandbox: Sandbox, judge: Judge) -> None:
    one = climb(BAD["double-softmax"].replace(".softmax(-1)", ""), IMAGE, sandbox, judge)
    other = climb(
        network("self.out = nn.Linear(64, 10)", "return self.out(torch.flatten(x, 1))"), IMAGE, sandbox, judge
    )
    assert one.candidate_id == other.candidate_id


def test_a_network_that_samples_under_its_seed_is_accepted_with_a_word(sandbox: Sandbox, judge: Judge) -> None:
    source = network(DENSE, "return self.head(x.flatten(1)) + torch.randn(x.shape[0], 10)")
    reached = climb(source, IMAGE, sandbox, judge)
    assert (reached.accepted, [finding.code for finding in reached.findings]) == (True, ["random-in-eval"])
