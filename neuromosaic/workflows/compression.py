"""Smaller networks out of a trained one: channels are pruned, and what is left is taught by the whole."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from neuromosaic.core.errors import CandidateError, UsageError, WorkerError
from neuromosaic.core.evaluation.data.dataset import Dataset
from neuromosaic.core.evaluation.data.room import room
from neuromosaic.core.evaluation.handing_over import pieces, predicted
from neuromosaic.core.evaluation.pruning import check_alike, narrowed
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.evaluation.trial import TrialOutcome, run_trial
from neuromosaic.core.graph.document import Graph, TensorData
from neuromosaic.core.proposals import MetricsPlan
from neuromosaic.core.protocols import Judge, Program, Sandbox
from neuromosaic.core.signature import signature_of
from neuromosaic.delivery.source import whole_numbers, with_defaults

LEAST = 2  # of what can be a width
PATIENCE = 24 * 3600.0  # seconds that one training may take


class Compression:
    """A trained network as what smaller ones are cut out of, and as their teacher.

    `source`: its model.py, with its values as defaults; `weights` by state_dict name. Raises CandidateError where it
    cannot be exported, for what is pruned is its graph.
    """

    def __init__(
        self, source: str, weights: Mapping[str, TensorData], dataset: Dataset, sandbox: Sandbox, judge: Judge
    ) -> None:
        self.source, self.weights, self.dataset = source, weights, dataset
        self.sandbox, self.judge = sandbox, judge
        self.graph = placed(self.exported(source), weights)

    @cached_property
    def widths(self) -> dict[str, int]:
        """Whole-number arguments that change channels alone: same tensors, fewer weights, outputs as before."""
        found = {name: value for name, value in whole_numbers(self.source).items() if value >= LEAST}
        return {name: value for name, value in found.items() if self._narrows({name: max(1, value // 2)})}

    def values(self, share: float) -> dict[str, int]:
        """The widths at this share of what they are."""
        return {name: max(1, round(share * value)) for name, value in self.widths.items()}

    def pruned(self, graph: Graph) -> Graph:
        """`graph`, of a narrower network of this kind, with the channels of this one that matter most."""
        return placed(graph, narrowed(self.weights, _shapes(graph, self.weights)))

    def taught(self, graph: Graph, recipe: Recipe, plan: MetricsPlan, seed: int) -> TrialOutcome:
        """A training in full, from the graph's own weights, that learns this network's outputs besides the labels.

        A pair goes on playing: what it draws in training has no output of another's to be like.
        """
        paired = self.dataset.contract.generative == "gan"
        return run_trial(
            self.judge, graph, self.dataset, recipe, plan, fidelity=1.0, seed=seed, timeout=PATIENCE,
            teacher=None if paired else self._lesson,
        )  # fmt: skip

    def exported(self, source: str) -> Graph:
        found = self.sandbox.export(Program(source, {}, 0), signature_of(self.dataset.contract))
        if found.graph is None:
            raise CandidateError("it cannot be exported, so that it cannot be compressed", "no-graph")
        return found.graph

    def outputs(self, graph: Graph, x: Any) -> Any:
        """Of any graph for `x` [n, ...], float32 [n, ...]; what lies on the disk goes through some at a time."""
        return predicted(self.judge, graph, x, {}, 3600)

    @cached_property
    def _lesson(self) -> Any:
        """In memory, or on the disk like examples that are as large."""
        x = self.dataset.train.x
        lesson = room((len(x), *self.dataset.contract.output.shape), np.float32)
        for rows in pieces(x):
            lesson[rows] = self.outputs(self.graph, x[rows])
        return lesson

    def _narrows(self, values: Mapping[str, int]) -> bool:
        with suppress(CandidateError, WorkerError, UsageError, ValueError):  # it needs that argument as it is
            graph = self.exported(with_defaults(self.source, dict(values)))
            wide = {name: tensor.shape for name, tensor in self.weights.items()}
            narrow = _shapes(graph, self.weights)
            check_alike(wide, narrow)
            return wide != narrow and all(wide[name][2:] == narrow[name][2:] for name in wide) and self._fits(graph)
        return False

    def _fits(self, graph: Graph) -> bool:
        outputs = self.outputs(graph, self.dataset.train.x[:2])
        return tuple(outputs.shape[1:]) == tuple(self.dataset.contract.output.shape)


def placed(graph: Graph, weights: Mapping[str, TensorData]) -> Graph:
    """The graph with these values in the place of its own."""
    return replace(graph, tensors={**graph.tensors, **weights})


def tensors_of(graph: Graph, kind: str) -> set[str]:
    """Names of stored tensors ("parameters", "buffers"); one with two names stands under the first."""
    return {str(entry["name"]) for entry in graph.document[kind]} & graph.tensors.keys()


def _shapes(graph: Graph, weights: Mapping[str, TensorData]) -> dict[str, tuple[int, ...]]:
    """Of the tensors that a state_dict has, which are those of `weights` in networks of one kind."""
    entries = [*graph.document["parameters"], *graph.document["buffers"]]
    stored = {entry["name"]: entry.get("same_as", entry["name"]) for entry in entries}
    named = tensors_of(graph, "parameters") | stored.keys() & weights.keys()
    return {name: graph.tensors[stored[name]].shape for name in named}
