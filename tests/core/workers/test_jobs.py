"""What a worker does with a network, in process."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from neuromosaic.core.brief import Contract, TensorSpec
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.graph.document import Graph, TensorData
from neuromosaic.core.graph.tensors import from_numpy, from_torch, to_torch
from neuromosaic.core.protocols import Job, Message, Program
from neuromosaic.core.role_inputs import Finding
from neuromosaic.core.signature import signature_of
from neuromosaic.core.workers.jobs import JOBS
from neuromosaic.core.workers.requests import request, requested

CONTRACT = Contract(
    task="classification", input=TensorSpec(shape=(6,)), output=TensorSpec(shape=(3,)), kind="tabular"
)
TEXT = Contract(
    task="language_modelling", input=TensorSpec(shape=(8,), dtype="int64", upper=11),
    output=TensorSpec(shape=(8, 11)), kind="text",
)  # fmt: skip
ANY = Program("", {}, 0)


@pytest.fixture(autouse=True)
def seeded() -> None:
    torch.manual_seed(0)


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3))


def refuse(_: Message) -> Message:
    raise AssertionError("this job reports nothing")


def run(
    kind: str, module: nn.Module, arguments: dict[str, Any], converse: Any = refuse, **tensors: Tensor
) -> Message:
    signature = signature_of(arguments.pop("of", CONTRACT), arguments.pop("loss", None))
    described = {"contract": CONTRACT.model_dump(mode="json"), "signature": signature.model_dump(mode="json")}
    arguments = {**described, "seed": 0, **arguments}
    tensors = {
        "x/0" if name == "x" and kind in ("inspect", "behave", "learn") else name: tensor
        for name, tensor in tensors.items()
    }
    job = Job(kind, ANY, arguments, {name: from_torch(tensor) for name, tensor in tensors.items()})
    return JOBS[kind](module, job, converse)


def findings(reply: Message) -> list[Finding]:
    return [Finding.model_validate(finding) for finding in reply.body["findings"]]


# ---------------------------------------------------------------- requests


def test_a_job_arrives_as_it_was_sent() -> None:
    tensors = {"x": TensorData("int64", (1,), bytes(8))}
    for subject in (Program("x = 1", {"a": 1.5}, 3), Graph({"nodes": []}, {"w": TensorData("bool", (), b"\1")})):
        job = Job("train", subject, {"a": 1}, tensors)
        arrived = requested(request(job), device="cuda")
        assert (arrived.kind, arrived.subject, arrived.tensors) == ("train", subject, tensors)
        assert arrived.arguments == {"a": 1, "device": "cuda"}


# ---------------------------------------------------------------- inspect


def test_inspect_counts_and_finds_nothing_wrong_with_a_sound_network() -> None:
    body = run("inspect", network(), {"batch": 4}).body
    assert body["parameters"] == 6 * 8 + 8 + 16 + 8 * 3 + 3
    assert body["flops"] == 2 * (6 * 8 + 8 * 3)
    assert body["peak_memory_mb"] > 4 * body["parameters"] / 1e6
    assert body["outputs"] == [{"shape": [3, 3], "dtype": "float32"}]
    assert body["findings"] == []


class Wrong(nn.Module):
    def __init__(self, change: Any) -> None:
        super().__init__()
        self.layer = nn.Linear(6, 3)
        self.change = change

    def forward(self, x: Tensor) -> Any:
        return self.change(self.layer(x))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda y: y[:, :2], "output-shape"),
        (lambda y: y.mean(0, keepdim=True), "output-shape"),
        (lambda y: y.squeeze(), "output-shape"),
        (lambda y: y.double(), "output-dtype"),
        (lambda y: y / 0, "non-finite-output"),
        (lambda y: {"logits": y}, "not-a-tensor"),
        (lambda y: y.view(3, 3), "forward-raised"),
    ],
)
def test_inspect_names_what_breaks_the_contract(change: Any, code: str) -> None:
    reply = run("inspect", Wrong(change), {})
    assert [finding.code for finding in findings(reply)] == [code]
    assert findings(reply)[0].gate == "shape"


def test_inspect_names_the_layer_that_raised() -> None:
    body = run("inspect", nn.Sequential(nn.Linear(6, 4), nn.Linear(5, 3)), {}).body
    assert body["findings"][0]["layer"] == "1"
    assert "flops" not in body
    assert body["outputs"] == []


def test_want_of_memory_is_no_finding() -> None:
    def demand(_: Tensor) -> Tensor:
        raise MemoryError

    for kind, extra in (("inspect", {}), ("behave", {"loss": "cross_entropy"})):
        with pytest.raises(MemoryError):
            run(kind, Wrong(demand), extra, x=torch.randn(4, 6), y=torch.zeros(4, dtype=torch.int64))


# ---------------------------------------------------------------- behave


def behave(module: nn.Module, **changes: Any) -> list[Finding]:
    x, y = torch.randn(16, 6), torch.arange(16) % 3
    reply = run("behave", module, {"loss": "cross_entropy", "examples": 8, **changes}, x=x, y=y)
    assert reply.body["seconds_per_step"] > 0
    return findings(reply)


def test_a_sound_network_behaves_but_for_a_batch_of_one() -> None:
    (finding,) = behave(network())
    assert (finding.code, finding.severity, finding.gate) == ("batch-of-one", "warning", "behave")
    assert behave(nn.Linear(6, 3)) == []


class Unused(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.used, self.left_over = nn.Linear(6, 3), nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.used(x)


class NanGradient(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.layer(x)
        return y + torch.where(y > 1e9, y, torch.zeros_like(y)) + (y * 0).clamp(min=0).sqrt()


def leaks(y: Tensor) -> Tensor:
    return y - y.mean(0, keepdim=True)


def drops_out(y: Tensor) -> Tensor:
    return nn.functional.dropout(y, 0.5)


class Stateful(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer, self.calls = nn.Linear(6, 3), 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return self.layer(x) + self.calls


@pytest.mark.parametrize(
    ("module", "code"),
    [
        (Unused(), "no-gradient"),
        (Wrong(lambda y: y.detach()), "no-gradient"),
        (NanGradient(), "non-finite-gradient"),
        (Wrong(lambda y: y * float("nan")), "non-finite-output"),
        (Wrong(leaks), "batch-leak"),
        (Stateful(), "non-deterministic"),
        (Wrong(lambda y: y.softmax(-1)), "double-softmax"),
    ],
)
def test_a_fault_is_found(module: nn.Module, code: str) -> None:
    assert code in {finding.code for finding in behave(module) if finding.severity == "error"}


def test_the_parameter_without_gradient_is_named() -> None:
    assert [finding.layer for finding in behave(Unused())] == ["left_over.weight", "left_over.bias"]


def test_probabilities_are_no_fault_where_the_loss_takes_no_softmax() -> None:
    x, y = torch.randn(4, 6), torch.rand(4, 3)
    reply = run("behave", Wrong(lambda y: y.softmax(-1)), {"loss": "mse"}, x=x, y=y)
    assert findings(reply) == []


def test_one_example_alone_cannot_leak() -> None:
    reply = run("behave", Wrong(leaks), {"loss": "mse"}, x=torch.randn(1, 6), y=torch.rand(1, 3))
    assert "batch-leak" not in {finding.code for finding in findings(reply)}


class Unchecked(nn.Module):
    """A batch norm that takes a batch of one without a word, as that of a graph does."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.norm = nn.Linear(6, 3), nn.BatchNorm1d(3)

    def forward(self, x: Tensor) -> Tensor:
        norm = self.norm
        return torch.batch_norm(self.layer(x), norm.weight, norm.bias, norm.running_mean, norm.running_var,
                                self.training, 0.1, 1e-5, False)  # fmt: skip


def test_a_batch_of_one_spoils_nothing_for_what_comes_after() -> None:
    module = Unchecked()
    assert [(finding.code, finding.layer) for finding in behave(module)] == [("batch-of-one", "norm.running_var")]
    assert module.norm.running_var.isfinite().all()


class Crowded(nn.Module):
    """Only the largest four of a batch are let through."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.layer(x)
        kept = y.sum(1).argsort(descending=True).argsort() < 4
        return y * (1 + kept[:, None])


def test_what_float32_leaves_of_a_sum_that_is_zero_is_no_leak() -> None:
    """Normalised and then averaged: nothing is left but what depends on how a kernel divides the batch."""
    assert "batch-leak" not in {finding.code for finding in behave(Wrong(lambda y: leaks(y) * 3e-8))}
    assert "batch-leak" in {finding.code for finding in behave(Wrong(lambda y: leaks(y) * 1e-2))}


def test_what_depends_on_how_many_others_there_are_leaks() -> None:
    assert [finding.code for finding in behave(Crowded())] == ["batch-leak"]


def test_what_changes_with_the_seed_alone_is_a_warning() -> None:
    (finding,) = behave(Wrong(drops_out))
    assert (finding.code, finding.severity) == ("random-in-eval", "warning")


class Language(nn.Module):
    def __init__(self, causal: bool) -> None:
        super().__init__()
        self.table, self.causal, self.head = nn.Embedding(11, 4), causal, nn.Linear(4, 11)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.table(ids)
        return self.head(x.cumsum(1) if self.causal else x + x.mean(1, keepdim=True))


@pytest.mark.parametrize("causal", [True, False])
def test_a_language_model_must_not_look_ahead(causal: bool) -> None:
    ids = torch.randint(0, 11, (6, 9))
    arguments = {"of": TEXT, "loss": "cross_entropy"}
    reply = run("behave", Language(causal), arguments, x=ids[:, :-1], y=ids[:, 1:])
    assert [finding.code for finding in findings(reply)] == ([] if causal else ["not-causal"])


# ---------------------------------------------------------------- train, predict, measure


def test_training_reports_each_epoch_and_returns_the_weights_that_were_kept() -> None:
    module, reports = network(), []

    def converse(report: Message) -> Message:
        reports.append(report)
        return Message({"stop": len(reports) == 3, "keep": len(reports) == 2})

    x, y = torch.randn(32, 6), torch.arange(32) % 3
    arguments = {
        "recipe": Recipe(epochs=10, batch_size=16).model_dump(mode="json"), "fidelity": 0.5, "seed": 3,
    }  # fmt: skip
    reply = run("train", module, arguments, converse, x=x, y=y, validation_x=x[:7])
    assert reply.body == {"epochs": 3, "cause": "stopped"}
    assert [report.body["epoch"] for report in reports] == [1, 2, 3]
    assert reports[0].body["of"] == 5
    assert set(reports[0].body) == {"epoch", "of", "train_loss", "seconds"}
    assert set(reply.tensors) == set(module.state_dict())

    weights = {f"weights/{name}": to_torch(data) for name, data in reply.tensors.items()}
    again = run("predict", network(), {"batch": 4}, x=x[:7], **weights).tensors["outputs"]
    np.testing.assert_allclose(to_torch(again), to_torch(reports[1].tensors["outputs"]), atol=1e-6)


def test_predict_takes_the_networks_own_weights_where_none_are_given() -> None:
    module, x = network(), np.ones((5, 6), dtype=np.float32)
    job = Job("predict", ANY, {"batch": 2}, {"x": from_numpy(x)})
    outputs = to_torch(JOBS["predict"](module, job, refuse).tensors["outputs"])
    assert torch.equal(outputs, module.eval()(torch.ones(5, 6)))


def test_measure_times_a_batch() -> None:
    body = run("measure", network(), {"batch": 2, "repeats": 5}).body
    assert 0 < body["p50"] <= body["p95"]
    assert body["reference_ms"] > 0
    assert body["threads"] == torch.get_num_threads()
