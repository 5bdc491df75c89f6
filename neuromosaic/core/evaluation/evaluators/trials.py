"""Architectures trained on one data set: what all ways of evaluating have in common."""

import hashlib
import json
import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from neuromosaic.core.errors import ArchitectureError, CandidateError
from neuromosaic.core.evaluation.checkpoint import find, forget, keep
from neuromosaic.core.evaluation.data.dataset import Dataset, Split
from neuromosaic.core.evaluation.data.room import taken
from neuromosaic.core.evaluation.metrics import higher_is_better
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.trial import ShouldStop, TrialOutcome, Watch, run_trial
from neuromosaic.core.evaluation.wiring import structure, wiring
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.graph.tensors import from_numpy
from neuromosaic.core.proposals import MetricsPlan
from neuromosaic.core.protocols import Job, Judge

Metrics = dict[str, float]
Report = Callable[[int, float], Any]
"""Told the epoch and the primary metric after each; a true answer stops the training."""
PROBED = 32  # examples that zero-cost proxies see
ROUNDING = 1e-6  # epochs: a third of three is one


class Asked(NamedTuple):
    """How far an evaluation is to go: a share of the epochs; who is told of each; where a paused one goes on."""

    fidelity: float = 1.0
    report: Report | None = None
    checkpoint: Path | None = None


class Subject(NamedTuple):
    """A network with its initial weights, and how it is trained."""

    graph: Graph
    recipe: Recipe


class Mode(Protocol):
    """One way to evaluate; `worth` tells what its cheap signals were worth so far, a sentence each."""

    def evaluate(self, architecture: Any, asked: Asked) -> Metrics: ...

    def worth(self) -> list[str]: ...


class Trials:
    """Trainings of architectures by one recipe on one data set, by the judge. Safe to use from several threads."""

    def __init__(
        self, dataset: Dataset, recipe: Recipe, plan: MetricsPlan, judge: Judge, seed: int, timeout: float
    ) -> None:
        self.dataset, self.recipe, self.plan, self.judge = dataset, recipe, plan, judge
        self.seed, self.timeout = seed, timeout
        self._building = threading.Lock()  # initial weights come of PyTorch's one generator

    @property
    def epochs(self) -> int:
        """Of a training at full fidelity."""
        return math.ceil(self.recipe.epochs)

    def merit(self, metrics: Mapping[str, float]) -> float:
        """The primary metric, turned so that more is better."""
        value = float(metrics[self.plan.primary])
        return value if higher_is_better(self.plan.primary) else -value

    def with_seed(self, seed: int) -> "Trials":
        """The same with other initial weights and another order of examples."""
        return Trials(self.dataset, self.recipe, self.plan, self.judge, seed, self.timeout)

    def subject(self, architecture: Any) -> Subject:
        """The architecture's module with the weights that the seed draws, and its own recipe where it has one.

        Raises CandidateError where it cannot be built, run or exported, ArchitectureError for what is none.
        """
        import torch

        from neuromosaic.core.graph.export import export_module

        if not hasattr(architecture, "to_model"):
            raise ArchitectureError(
                f"a {type(architecture).__name__} has no to_model: give a space with `build`, or a registered type"
            )
        example = torch.from_numpy(self.dataset.train.x[:2])
        with self._building, torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            graph = export_module(architecture.to_model(), (example,))
        return Subject(graph, getattr(architecture, "recipe", self.recipe))

    def train(
        self, subject: Subject, *, fidelity: float = 1.0, share: float = 1.0, stop: ShouldStop | None = None
    ) -> TrialOutcome:
        """One training on `share` of the examples, whose schedule is as long as it is.

        Raises CandidateError where it comes to nothing.
        """
        return self._run(subject, _part(self.dataset, share, self.seed), fidelity=fidelity, should_stop=stop)

    def go_on(self, subject: Subject, asked: Asked, stop: ShouldStop | None = None) -> TrialOutcome:
        """A training to the epoch that is asked for, of one schedule of full length.

        Where there is a checkpoint it goes on from there, and leaves one unless nothing is left to do; where none is
        wanted, the training is as `train`'s. Raises as `train`, and as `checkpoint.find`.
        """
        if asked.checkpoint is None:
            return self.train(subject, fidelity=asked.fidelity, stop=stop)
        key, until = self._key(subject), math.ceil(asked.fidelity * self.recipe.epochs - ROUNDING)
        found = find(asked.checkpoint, key)
        if found is not None and found.epochs >= until:
            watch = Watch(self.dataset, subject.recipe, self.plan, None, None, found)
            return TrialOutcome("paused", watch.metrics(), found.curve, {}, 0.0, paused=found)
        outcome = self._run(subject, self.dataset, fidelity=1.0, should_stop=stop, pause_at=until, resume=found)
        if outcome.paused is not None:
            keep(outcome.paused, key, asked.checkpoint)
        else:
            forget(asked.checkpoint)
        return outcome

    def _run(self, subject: Subject, dataset: Dataset, **more: Any) -> TrialOutcome:
        outcome = run_trial(
            self.judge, subject.graph, dataset, subject.recipe, self.plan,
            seed=self.seed, timeout=self.timeout, **more,
        )  # fmt: skip
        return usable(outcome)

    def _key(self, subject: Subject) -> str:
        """Which training it is: network, recipe, seed and data."""
        told = [subject.graph.document, subject.recipe.model_dump(mode="json"), self.seed, self.dataset.hash]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    def proxies(self, subject: Subject) -> dict[str, float]:
        """Zero-cost proxies on the first training examples, and what the network's paths and operations tell."""
        train = self.dataset.train
        rows = {"x": from_numpy(train.x[:PROBED]), "y": from_numpy(train.y[:PROBED])}
        arguments = {"recipe": subject.recipe.model_dump(mode="json"), "seed": self.seed}
        found: dict[str, float] = self.judge.run(Job("proxies", subject.graph, arguments, rows)).body["proxies"]
        return found | structure(wiring(subject.graph))


def usable(outcome: TrialOutcome) -> TrialOutcome:
    """Raises CandidateError where the training came to nothing."""
    if not outcome.metrics:
        raise CandidateError(f"the training came to nothing ({outcome.cause}): {outcome.message}", outcome.cause)
    return outcome


def figures(outcome: TrialOutcome, architecture: Any) -> Metrics:
    """The best epoch's metrics, what the training took, and the size where the architecture tells it."""
    taken = {"epochs": float(len(outcome.curve)), "seconds": outcome.seconds}
    infer = getattr(architecture, "infer", None)
    if infer is None:
        return outcome.metrics | taken
    cost = infer()
    return outcome.metrics | taken | {"parameters": float(cost.parameters), "flops": float(cost.flops)}


def stopper(report: Report | None, primary: str) -> ShouldStop | None:
    """What a report answers, as the training loop asks for it."""
    if report is None:
        return None
    return lambda epoch, row: bool(report(epoch, row[primary]))


def _part(dataset: Dataset, share: float, seed: int) -> Dataset:
    """The data set with fewer examples to train on; validation stays whole."""
    if share >= 1:
        return dataset
    count = max(2, round(share * len(dataset.train)))
    rows = np.sort(np.random.default_rng(seed).permutation(len(dataset.train))[:count])
    return replace(dataset, train=Split(taken(dataset.train.x, rows), taken(dataset.train.y, rows)))
