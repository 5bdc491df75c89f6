"""Data ready for training: what the rest of the house knows of a user's data."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from neuromosaic.core.brief import Contract
from neuromosaic.core.evaluation.data.inputs import TextInputs
from neuromosaic.core.evaluation.data.preprocessing import Preprocessing
from neuromosaic.core.evaluation.data.raw import Array
from neuromosaic.core.evaluation.data.targets import NumberTargets
from neuromosaic.core.role_inputs import DataSummary


@dataclass(frozen=True, eq=False)
class Split:
    """Examples as a network takes them, contiguous.

    `x`: float32 [n, *contract.input.shape], or int64 ids for text. `y`: class ids int64 [n]; scaled targets, or 0
    and 1 per label, float32 [n, targets]; or next characters int64 [n, time].
    """

    x: Array = field(repr=False)
    y: Array = field(repr=False)

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True, eq=False)
class Dataset:
    """`hash`: hex, of the raw content alone. `notes`: what was inferred, assumed or noticed, a sentence each."""

    name: str
    contract: Contract
    summary: DataSummary
    train: Split
    validation: Split
    hash: str
    preprocessing: Preprocessing
    notes: tuple[str, ...]
    _test: Callable[[], Split] = field(repr=False)

    def open_test(self) -> Split:
        """The test split. Nothing else reads it: whoever calls this counts and reports it."""
        return self._test()


def describe(dataset: Dataset) -> dict[str, Any]:
    """What there is to know of the data before any network, as JSON. Opens no test split."""
    contract, summary, preprocessing = dataset.contract, dataset.summary, dataset.preprocessing
    return {
        "name": dataset.name,
        "kind": contract.kind,
        "task": contract.task,
        "input": contract.input.model_dump(mode="json"),
        "output": contract.output.model_dump(mode="json"),
        "splits": {"train": summary.train, "validation": summary.validation, "test": summary.test},
        "classes": dict(zip(summary.classes, summary.class_counts, strict=True)),
        "columns": list(summary.columns),
        "ranges": _ranges(preprocessing),
        "hash": dataset.hash,
        "notes": list(dataset.notes),
    }


def _ranges(preprocessing: Preprocessing) -> dict[str, Any]:
    """Range, mean and std of inputs (per channel, column or feature) and targets in the training split."""
    inputs, targets = preprocessing.inputs, preprocessing.targets
    if isinstance(inputs, TextInputs):
        return {"characters": inputs.characters}
    found: dict[str, Any] = {"inputs": inputs.scaling.model_dump(mode="json")}
    if isinstance(targets, NumberTargets):
        found["targets"] = {"mean": list(targets.mean), "std": list(targets.std)}
    return found
