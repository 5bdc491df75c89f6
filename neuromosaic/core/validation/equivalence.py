"""Whether a mutant differs at all: equal outputs and equal gradients, in both modes.

The judge compares, for a graph comes from proposed Python and the host runs none of it. Outputs in eval mode are
those of a "predict" job. Gradients in train mode show in the weights after one step of plain gradient descent, which
a "train" job takes with the same seed, so that dropout draws the same numbers.
"""

import random
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuromosaic.core.brief import Contract
from neuromosaic.core.errors import CandidateError, WorkerError
from neuromosaic.core.evaluation.recipe import Recipe
from neuromosaic.core.graph.document import Graph, TensorData
from neuromosaic.core.graph.tensors import from_numpy, to_numpy
from neuromosaic.core.protocols import Job, Judge, Message
from neuromosaic.core.tasks import FORMS

EXAMPLES, SOME_CLASSES = 16, 4
RELATIVE, ABSOLUTE = 1e-5, 1e-6
"""Float32 sums in another order differ by less."""

Traces = dict[str, NDArray[Any]]


class Equivalence:
    """Compares graphs with one graph, on inputs drawn from (contract, seed)."""

    def __init__(self, graph: Graph, judge: Judge, contract: Contract, seed: int) -> None:
        self._graph, self._judge, self._contract, self._seed = graph, judge, contract, seed
        draw = np.random.default_rng(random.Random(f"{seed}/equivalence/0").getrandbits(64))
        self._x = _inputs(contract, draw)
        self._y = _targets(contract, draw)
        self._own: Traces | None = None
        self._lock = threading.Lock()

    def holds(self, other: Graph) -> bool:
        """False also where `other` cannot be run or trained. Raises InfrastructureError where the machine failed."""
        with self._lock:
            if self._own is None:
                self._own = self._traces(self._graph)
        try:
            return _equal(self._own, self._traces(other))
        except CandidateError:
            return False
        except WorkerError as error:
            if error.cause == "setup":
                raise
            return False

    def _traces(self, graph: Graph) -> Traces:
        tensors = {"x": from_numpy(self._x)}
        outputs = self._judge.run(Job("predict", graph, {"batch": EXAMPLES}, tensors)).tensors
        return {**_arrays("eval", outputs), **_arrays("train", self._step(graph))}

    def _step(self, graph: Graph) -> Mapping[str, TensorData]:
        """The state_dict after one step."""
        arguments = {
            "contract": self._contract.model_dump(mode="json"), "recipe": self._recipe().model_dump(mode="json"),
            "fidelity": 1.0, "seed": self._seed,
        }  # fmt: skip
        x, y = from_numpy(self._x), from_numpy(self._y)
        job = Job("train", graph, arguments, {"x": x, "y": y, "validation_x": x})
        return self._judge.run(job, lambda report: Message({"stop": False, "keep": False})).tensors

    def _recipe(self) -> Recipe:
        loss = FORMS[self._contract.task].losses[0]
        return Recipe.model_validate(
            {
                "optimizer": "sgd", "learning_rate": 1.0, "weight_decay": 0.0, "batch_size": EXAMPLES, "epochs": 1,
                "warmup": 0.0, "gradient_clip": None, "loss": loss,
            }
        )  # fmt: skip


def _inputs(contract: Contract, draw: np.random.Generator) -> NDArray[Any]:
    shape = (EXAMPLES, *contract.input.shape)
    if contract.input.dtype == "int64":
        return draw.integers(0, contract.input.upper or contract.output.shape[-1], shape)
    return draw.standard_normal(shape).astype(np.float32)


def _targets(contract: Contract, draw: np.random.Generator) -> NDArray[Any]:
    *positions, last = contract.output.shape
    if contract.task == "segmentation":
        classes, *positions = contract.output.shape
        return draw.integers(0, classes, (EXAMPLES, *positions))
    if contract.task == "metric_learning":
        return np.arange(EXAMPLES) % SOME_CLASSES
    if not FORMS[contract.task].scores:
        return draw.standard_normal((EXAMPLES, *positions, last)).astype(np.float32)
    if contract.task == "multi_label":
        return draw.integers(0, 2, (EXAMPLES, last)).astype(np.float32)
    return draw.integers(0, last, (EXAMPLES, *positions))


def _arrays(mode: str, tensors: Mapping[str, TensorData]) -> Traces:
    return {f"{mode}/{name}": to_numpy(tensor) for name, tensor in tensors.items()}


def _equal(one: Traces, other: Traces) -> bool:
    return one.keys() == other.keys() and all(_close(one[name], other[name]) for name in one)


def _close(one: NDArray[Any], other: NDArray[Any]) -> bool:
    return one.shape == other.shape and np.allclose(one, other, RELATIVE, ABSOLUTE, equal_nan=True)
