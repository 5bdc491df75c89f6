"""Finished runs, built by hand: digits, a regression, a character model, and one where nothing met the brief."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from neuromosaic.core.brief import Brief, Budget, Constraints
from neuromosaic.core.evaluation.data.dataset import Dataset
from neuromosaic.core.evaluation.data.inputs import TextInputs
from neuromosaic.core.evaluation.data.loading import load_dataset
from neuromosaic.core.evaluation.data.preprocessing import Preprocessing
from neuromosaic.core.evaluation.intervals import interval
from neuromosaic.core.evaluation.metrics import score
from neuromosaic.core.graph.document import Graph, TensorData
from neuromosaic.core.graph.export import export_module
from neuromosaic.core.graph.tensors import from_torch
from neuromosaic.core.results import CandidateResult, Latency, Results
from neuromosaic.core.role_inputs import DataSummary, Hardware
from neuromosaic.core.store.store import Event
from neuromosaic.delivery.contents import Delivery, Predictions
from neuromosaic.delivery.history import read_history
from neuromosaic.delivery.source import with_defaults
from neuromosaic.delivery.text import judged

FAMILY = '''\
"""A perceptron with one hidden layer."""

import torch
from torch import nn


class Model(nn.Module):
    """[batch, ...] to [batch, outputs]."""

    def __init__(self, inputs: int = 64, outputs: int = 10, *, width: int = 8, activation: str = "relu") -> None:
        super().__init__()
        self.hidden = nn.Linear(inputs, width)
        self.activation = {"relu": nn.ReLU, "gelu": nn.GELU}[activation]()
        self.norm = nn.BatchNorm1d(width)
        self.head = nn.Linear(width, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.norm(self.activation(self.hidden(x.flatten(1)))))
'''

RECURRENT = """\
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, vocabulary: int = 27, width: int = 16) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width)
        self.read = nn.GRU(width, width, batch_first=True)
        self.head = nn.Linear(width, vocabulary)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.read(self.embed(x))[0])
"""

SUITE = """\
import torch
from model import Model


def test_output_has_the_shape_of_the_contract():
    assert Model().eval()(torch.zeros(3, *{input}{dtype})).shape == (3, *{output})


def test_every_parameter_gets_a_gradient():
    model = Model()
    model(torch.{draw}).square().sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
"""

HARDWARE = Hardware(device="cpu", name="Example CPU at 2.4 GHz", cores=2, memory_gb=8.0, gflops=61.0)
MODELS = dict.fromkeys(("TestArchitect", "NetworkArchitect", "Trainer", "Compute", "Metrics"), "offline")
ENVIRONMENT = {"neuromosaic": "0.1.0", "torch": "2.13.0", "python": "3.11.9", "system": "Linux", "threads": 1}


def candidate(
    number: int,
    metrics: Mapping[str, float],
    *,
    parameters: int,
    latency: float = 0.2,
    name: str = "",
    **changes: Any,
) -> CandidateResult:
    """One certified candidate with evidence for every figure."""
    proof = f"e-{number:012x}"
    paths = [*(f"metrics.{metric}" for metric in metrics), "parameters", "latency_ms.p50", "peak_memory_mb", "tests"]
    figures: dict[str, Any] = {
        "id": f"{number:08x}", "name": name or f"r0s{number}-{number:06x}", "designed_by": "offline",
        "metrics": dict(metrics), "parameters": parameters, "flops": 2.0 * parameters,
        "latency_ms": Latency(p50=latency, p95=1.3 * latency, batch=1, threads=1), "peak_memory_mb": 0.31,
        "device": "cpu", "lane": "graph", "boundary": "Landlock + seccomp", "evidence": dict.fromkeys(paths, proof),
    }  # fmt: skip
    return CandidateResult.model_validate(figures | changes)


def certified(task: Any, number: int, found: Predictions, names: tuple[str, ...], **figures: Any) -> CandidateResult:
    """A candidate whose test metrics are those of its predictions; validation came out a little better."""
    test = score(task, found.outputs, found.targets, names)
    metrics = {f"val_{name}": value * 1.004 for name, value in test.items()}
    metrics |= {f"test_{name}": value for name, value in test.items()}
    bounds = {f"test_{names[0]}": interval(task, names[0], found.outputs, found.targets)}
    return candidate(number, metrics, intervals=bounds, **figures)


def scores_for(targets: np.ndarray, classes: int, mistakes: float, seed: int = 0) -> np.ndarray:
    """Scores [..., classes] that are wrong for a share of the targets, mostly by a neighbour."""
    draw = np.random.default_rng(seed)
    scores = draw.normal(size=(*targets.shape, classes)).astype(np.float32)
    said = np.where(
        draw.random(targets.shape) < mistakes, (targets + draw.integers(1, 3, targets.shape)) % classes, targets
    )
    np.put_along_axis(scores, said[..., None], draw.uniform(4, 9, (*targets.shape, 1)).astype(np.float32), axis=-1)
    return scores


def curve(metric: str, best: float, epochs: int = 30, start: float = 2.3) -> list[dict[str, float]]:
    draw = np.random.default_rng(epochs)
    falling = [start * float(np.exp(-epoch / 6)) for epoch in range(1, epochs + 1)]
    return [
        {
            "epoch": epoch, "train_loss": loss + 0.02, "loss": loss * (1 + 0.1 * float(draw.random())) + 0.06,
            metric: best * (1 + loss if best > 1 else 1 - loss / (start * 1.4)), "seconds": 0.4 * epoch,
        }
        for epoch, loss in enumerate(falling, 1)
    ]  # fmt: skip


def events(metric: str, names: Mapping[str, str], value: float) -> list[Event]:
    """A run as the workflow tells it."""
    told: list[tuple[str, dict[str, Any]]] = [
        ("process.started", {}),
        ("note", {"text": "classes are balanced"}),
        ("hardware", HARDWARE.model_dump()),
        ("role.started", {"role": "Compute", "purpose": "plan-envelope"}),
        ("envelope", {"families": 2, "trials": 12, "rounds": 2, "fidelity": 0.3, "finalists": 2, "workers": 2,
                      "reason": "small data: many short trials"}),
        ("metrics", {"loss": "cross_entropy", "primary": metric, "report": ["log_loss"],
                     "reason": "balanced classes"}),
        ("suite.red", {"attempt": 0, "findings": []}),
    ]  # fmt: skip
    for seat, name in names.items():
        verdict = {"family": seat, "passed": True, "milliseconds": 41.0, "findings": [], "evidence": f"e-gate{seat}"}
        told += [("family.proposed", {"family": seat, "name": name, "designed_by": "offline"})]
        told += [
            ("gate.verdict", {**verdict, "gate": gate}) for gate in ("parse", "shape", "behave", "test", "learn")
        ]
        told += [("family.accepted", {"family": seat})]
    slow = {"gate": "behave", "code": "no-gradient", "message": "layer head gets no gradient", "severity": "error"}
    told += [
        ("gate.verdict", {"family": "r0s2", "gate": "behave", "passed": False, "milliseconds": 80.0,
                          "findings": [slow], "evidence": "e-gater0s2"}),
        ("family.rejected", {"family": "r0s2", "reason": "layer head gets no gradient"}),
        ("suite.mutants", {"family": "r0s0", "killed": 5, "survived": 1, "equivalent": 1}),
        ("recipe", {"optimizer": "adamw", "learning_rate": 3e-3, "batch_size": 64, "epochs": 30.0}),
    ]  # fmt: skip
    draw = np.random.default_rng(1)
    for number in range(12):
        told.append(("trial.finished", {
            "trial": f"{number}", "contestant": "search" if number % 2 else "random_search", "candidate": f"{number}",
            "name": f"r0s0-{number}", "family": "r0s0", "values": {}, "fidelity": 0.3, "final": False,
            "cause": "finished", "parameters": int(2000 * (1 + number)), "metric": metric,
            "value": value * (1 - 0.1 * draw.random()),
            "seconds": 2.0,
        }))  # fmt: skip
    told += [
        ("judgement", {"round": 0, "decision": "certify", "reason": "no constraint is missed"}),
        ("test.opened", {"candidates": ["one", "two"]}),
    ]
    return [Event(number, 1000.0 + 3 * number, kind, data) for number, (kind, data) in enumerate(told, 1)]


MUTANTS = [
    {"kind": "dropped-residual", "description": "the output of head is zero", "fate": "killed",
     "killed_by": ["test_every_parameter_gets_a_gradient"]},
    {"kind": "swapped", "description": "relu became identity", "fate": "survived", "killed_by": []},
    {"kind": "batch", "description": "mean over the batch", "fate": "equivalent", "killed_by": []},
]  # fmt: skip


def built(source: str) -> torch.nn.Module:
    torch.manual_seed(5)
    namespace: dict[str, Any] = {"__name__": "model"}
    exec(compile(source, "model.py", "exec"), namespace)
    model: torch.nn.Module = namespace["Model"]()
    return model


def graph_of(source: str, preprocessing: Preprocessing) -> Graph:
    """As the sandbox would hand it out."""
    wanted = preprocessing.contract.input
    return export_module(built(source), (torch.zeros(2, *wanted.shape, dtype=getattr(torch, wanted.dtype)),))


def state_dict(source: str) -> dict[str, TensorData]:
    """Weights of the model that a source builds, drawn anew so that no default gives them by chance."""
    model = built(source)
    return {
        name: from_torch(tensor + (tensor.is_floating_point() * 1)) for name, tensor in model.state_dict().items()
    }


def finished(
    dataset: Preprocessing, summary: DataSummary, source: str, results: Results, found: Predictions, **changes: Any
) -> Delivery:
    contract = dataset.contract
    ids = contract.input.dtype == "int64"
    shape = ", ".join(map(str, contract.input.shape))
    draw = f"zeros(2, {shape}, dtype=torch.int64)" if ids else f"randn(2, {shape})"
    suite = SUITE.format(
        input=contract.input.shape, output=contract.output.shape, draw=draw, dtype=", dtype=torch.int64" * ids
    )
    metric = results.metric
    best = results.winner or results.nearest
    assert best is not None
    told = events(metric, {"r0s0": "small network", "r0s1": "residual network"}, best.metrics[f"test_{metric}"])
    start = 2.3 if contract.task == "classification" else 3.0
    return Delivery(
        results=results, model_source=source, suite_source=suite, weights=state_dict(source),
        preprocessing=dataset.model_dump_json(indent=2), data=summary, data_hash="0f" * 32, hardware=HARDWARE,
        curves={entry.id: curve(metric, best.metrics[f"test_{metric}"] * (1 - 0.01 * place), 30 - 6 * place, start)
                for place, entry in enumerate(results.pareto)},
        predictions=found, history=read_history(told, MODELS), mutants=MUTANTS,
        tests=dict.fromkeys(("test_output_has_the_shape", "test_every_parameter_gets_a_gradient"), "passed"),
        evidence={f"e-{1:012x}": {"kind": "test-split", "seed": 0, "outputs": "ab" * 32}},
        notes=["validation and test were divided off with equal class shares"], graph=graph_of(source, dataset),
        **changes,
    )  # fmt: skip


def results_of(
    brief: Brief, metric: str, winner: CandidateResult, others: list[CandidateResult], **changes: Any
) -> Results:
    results = Results(
        run="1121-0312-ab12", status="met", seed=0, brief=brief, models=MODELS, winner=winner,
        pareto=[winner, *others], baselines={}, constraints=[], environment=ENVIRONMENT, metric=metric,
        recipe={"optimizer": "adamw", "learning_rate": 0.003, "batch_size": 64, "epochs": 30.0},
    )  # fmt: skip
    return results.model_copy(update={"constraints": judged(results, winner), **changes})


@pytest.fixture(scope="session")
def digits_data() -> Dataset:
    return load_dataset(Brief(data="digits"))


@pytest.fixture(scope="session")
def digits(digits_data: Dataset) -> Delivery:
    """Within every limit, and better than random search."""
    return digits_like(digits_data)


def digits_like(data: Dataset) -> Delivery:
    y = data.open_test().y
    names = ("accuracy", "log_loss")
    found = [Predictions(scores_for(y, 10, share, seed), y) for seed, share in enumerate((0.02, 0.04, 0.06))]
    brief = Brief(
        sentence="classify 8x8 grey images of handwritten digits, under 20k parameters, under 1 ms per image on CPU",
        task="classification", data="digits", budget=Budget(trials=12),
        constraints=Constraints(parameters=20_000, latency_ms=1.0, metrics={"accuracy": 0.9}),
    )  # fmt: skip
    winner = certified("classification", 1, found[0], names, parameters=14_218, latency=0.34, name="r0s0-4c1d2e",
                       values={"width": 24, "activation": "gelu"})  # fmt: skip
    small = certified("classification", 2, found[1], names, parameters=4_810, latency=0.18, name="r0s1-77ab01")
    rival = certified(
        "classification", 3, found[2], names, parameters=17_930, latency=0.52, designed_by="random search"
    )
    baselines = {
        "random_search": rival.model_dump(mode="json"),
        "majority": {"val_accuracy": 0.1, "test_accuracy": 0.1},
        "linear": {"val_accuracy": 0.951, "test_accuracy": 0.944},
    }
    results = results_of(brief, "accuracy", winner, [small], baselines=baselines)
    source = with_defaults(FAMILY, {"width": 24, "activation": "gelu"})
    return finished(data.preprocessing, data.summary, source, results, found[0])


@pytest.fixture(scope="session")
def missed(digits: Delivery) -> Delivery:
    """No candidate met the brief: the nearest has too many parameters and no figure for one of the limits."""
    return missing(digits)


def missing(digits: Delivery) -> Delivery:
    limits = Constraints(parameters=5_000, latency_ms=0.1, metrics={"accuracy": 0.5, "auroc": 0.9})
    brief = digits.results.brief.model_copy(update={"constraints": limits})
    nearest = digits.results.winner
    assert nearest is not None
    results = digits.results.model_copy(
        update={"brief": brief, "winner": None, "nearest": nearest, "status": "not met"}
    )
    return replace(digits, results=results.model_copy(update={"constraints": judged(results, nearest)}))


@pytest.fixture(scope="session")
def regression() -> Delivery:
    return regression_like()


def regression_like() -> Delivery:
    data = load_dataset(Brief(data="diabetes"))
    draw = np.random.default_rng(0)
    targets = np.sort(draw.gamma(4, 40, size=(3000, 1)))
    found = Predictions(targets + draw.normal(0, 30, size=targets.shape), targets)
    brief = Brief(
        sentence="predict disease progression", data="diabetes", constraints=Constraints(metrics={"rmse": 60.0})
    )
    winner = certified("regression", 1, found, ("rmse", "mae", "r2"), parameters=641)
    baselines = {"random_search": None, "mean": {"test_rmse": 79.0}, "linear": {"test_rmse": 54.2}}
    results = results_of(brief, "rmse", winner, [], baselines=baselines)
    source = with_defaults(FAMILY, {"inputs": 10, "outputs": 1, "width": 4})
    return finished(data.preprocessing, data.summary, source, results, found)


@pytest.fixture(scope="session")
def language() -> Delivery:
    return language_like()


def language_like() -> Delivery:
    text = "the quick brown fox jumps over the lazy dog\n" * 40
    inputs = TextInputs.fit(text, context=16)
    preprocessing = Preprocessing(task="language_modelling", inputs=inputs, targets=None)
    _, targets = inputs.windows(text)
    size = len(inputs.characters)
    found = Predictions(scores_for(targets, size, 0.3), targets)
    brief = Brief(sentence="a character model", data="text.txt", budget=Budget(seconds=60))
    winner = certified("language_modelling", 1, found, ("bits_per_character", "accuracy"), parameters=2_100)
    baselines = {
        "random_search": None,
        "unigram": {"test_bits_per_character": 4.2},
        "bigram": {"test_bits_per_character": 2.1},
    }
    results = results_of(brief, "bits_per_character", winner, [], baselines=baselines)
    summary = DataSummary(name="text.txt", kind="text", train=900, validation=110, test=110)
    return finished(preprocessing, summary, with_defaults(RECURRENT, {"vocabulary": size}), results, found)
