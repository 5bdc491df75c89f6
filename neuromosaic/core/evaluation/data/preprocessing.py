"""`preprocessing.json`: what stands between a user's data and a network, in both directions."""

import math
from typing import Any, Literal

import numpy as np

from neuromosaic.core.brief import Contract, Task, TensorSpec, Value
from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data.inputs import GraphInputs, ImageInputs, Inputs, TabularInputs, TextInputs
from neuromosaic.core.evaluation.data.labels import check_task
from neuromosaic.core.evaluation.data.raw import Array, Table
from neuromosaic.core.evaluation.data.targets import (
    ClassTargets,
    EmbeddingTargets,
    ItselfTargets,
    LabelTargets,
    NumberTargets,
    PositionTargets,
    SeriesTargets,
    Targets,
)

_Classes = ClassTargets | EmbeddingTargets | PositionTargets


class Preprocessing(Value):
    """Fitted on the training split alone; an exact JSON round trip keeps its behaviour to the last bit.

    `targets` is None for language modelling, where the inputs' characters are the targets.
    """

    version: Literal[1] = 1
    task: Task
    inputs: Inputs
    targets: Targets | None

    @property
    def contract(self) -> Contract:
        """What a network between these inputs and targets must accept and return."""
        if self.targets is not None:
            output = self.targets.spec
        else:
            text = self._text()
            output = TensorSpec(shape=(text.context, len(text.characters)))
        itself = self.targets if isinstance(self.targets, ItselfTargets) else None
        return Contract(
            task=self.task, input=self.inputs.spec, output=output, kind=self.inputs.kind,
            latent=itself.latent if itself else None, generative=itself.generative if itself else None,
        )  # fmt: skip

    def apply(self, raw: Array | Table | str) -> Array:
        """Raw inputs to what the network reads (`contract.input`, batch axis first).

        Raises DataError where they are not of the kind, size or columns of the training data.
        """
        if isinstance(self.inputs, TextInputs) != isinstance(raw, str):
            raise DataError(f"the network reads {self.inputs.kind} inputs, not {type(raw).__name__}")
        return self.inputs.apply(raw)  # type: ignore[arg-type]

    def check_range(self, raw: Array | Table) -> None:
        """Raises DataError where new images are plainly on another scale than those of training."""
        if isinstance(self.inputs, ImageInputs) and not isinstance(raw, Table):
            self.inputs.check_range(raw)

    def encode(self, labels: Array, name: str) -> Array:
        """Raw labels to what a loss reads. Raises DataError where those of `name` are of another sort."""
        check_task(self.task, labels, name)
        assert self.targets is not None  # check_task refuses labels beside a text
        return self.targets.encode(labels)

    def unscale_targets(self, y: Array) -> Array:
        """Targets or outputs of a regression or forecast in the user's units, float64; anything else unchanged."""
        return self.targets.unscale(y) if isinstance(self.targets, NumberTargets | SeriesTargets) else y

    def unscale_inputs(self, x: Array) -> Array:
        """Examples [n, ...] as the network reads them, in the user's units; ids and one-hot texts as they are."""
        if isinstance(self.inputs, TextInputs | GraphInputs):
            return x
        return self.inputs.scaling.undo(x, axis=1 if isinstance(self.inputs, ImageInputs | TabularInputs) else 2)

    @property
    def naive_error(self) -> float:
        """What MASE measures errors in, in the user's units; NaN but for a forecast."""
        return self.targets.naive_error if isinstance(self.targets, SeriesTargets) else math.nan

    def labels(self, outputs: Array) -> list[Any]:
        """What raw outputs [n, ...] mean, one entry per example.

        Classification: the likeliest class's own label (by position: nested lists of these); multi_label: the names
        of those that apply; regression: numbers in the user's units; generation:
        examples in the user's units, as nested lists; language modelling: the likeliest next character
        at each time, as one string.
        """
        if isinstance(self.targets, ItselfTargets):
            return self.targets.labels(self.unscale_inputs(outputs))
        if self.targets is not None:
            return self.targets.labels(outputs)
        return [self._text().text_of(row) for row in np.argmax(outputs, axis=-1)]

    @property
    def classes(self) -> tuple[bool | int | str, ...]:
        """The labels of the classes by id, or the names of labels of which several may apply; else empty."""
        if isinstance(self.targets, LabelTargets):
            return self.targets.names
        return self.targets.classes if isinstance(self.targets, _Classes) else ()

    def _text(self) -> TextInputs:
        if not isinstance(self.inputs, TextInputs):
            raise DataError("preprocessing without targets must have text inputs: the file was changed by hand")
        return self.inputs
