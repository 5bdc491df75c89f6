"""What a person should know of the data before believing a figure."""

from collections.abc import Iterator, Mapping

import numpy as np

from neuromosaic.core.evaluation.data.contents import repeated
from neuromosaic.core.evaluation.data.inputs import CATEGORIES, TabularInputs, TextInputs
from neuromosaic.core.evaluation.data.preprocessing import Preprocessing
from neuromosaic.core.evaluation.data.raw import Array, Part, PartName, Table
from neuromosaic.core.evaluation.data.spelling import listed
from neuromosaic.core.evaluation.data.targets import NumberTargets

IMBALANCED = 3.0
"""Largest class over smallest, in training examples, from which a note says so."""


def notices(parts: Mapping[PartName, Part], preprocessing: Preprocessing, counts: tuple[int, ...]) -> Iterator[str]:
    """Sentences on repeated examples, imbalance, columns that say nothing, texts that were left out.

    `parts`: training, validation, test, in this order; `counts`: training examples per class.
    """
    found, total = repeated(parts.values())
    if found:
        yield f"{found} of {total} validation and test examples have the inputs of an example in an earlier split"
    yield from _imbalance(preprocessing.classes, counts)
    if isinstance(preprocessing.inputs, TabularInputs):
        yield from _columns(preprocessing.inputs, parts["train"].x)
    if isinstance(preprocessing.targets, NumberTargets):
        yield from _constant_targets(preprocessing.targets, parts["train"].labels)


def _constant_targets(targets: NumberTargets, y: Array) -> Iterator[str]:
    """One of several: where all are, the data are refused."""
    y = y.reshape(len(y), -1)
    names = targets.columns if len(targets.columns) == y.shape[1] else [f"target {n}" for n in range(y.shape[1])]
    constant = [names[place] for place in np.flatnonzero((y == y[:1]).all(axis=0))]
    if constant:
        yield f"the same target in all training rows, so there is nothing to learn of it: {listed(constant)}"


def _imbalance(classes: tuple[bool | int | str, ...], counts: tuple[int, ...]) -> Iterator[str]:
    if counts and max(counts) >= IMBALANCED * min(counts):
        largest, smallest = int(np.argmax(counts)), int(np.argmin(counts))
        yield (
            f"the classes are imbalanced: in training {classes[largest]!r} has {counts[largest]} examples, "
            f"{classes[smallest]!r} {counts[smallest]}"
        )


def _columns(inputs: TabularInputs, x: object) -> Iterator[str]:
    constant = [
        name
        for name, low, high in zip(inputs.columns, inputs.scaling.low, inputs.scaling.high, strict=True)
        if low == high
    ]
    if constant:
        yield f"the same value in all training rows: {listed(constant)}"
    for place, column in enumerate(inputs.categories):
        distinct = len(set(x.texts[:, place].tolist())) if isinstance(x, Table) else 0
        if distinct > CATEGORIES:
            kept = f"the {len(column.values)} most frequent are told apart" if column.values else "it was left out"
            yield f"the text column {column.name!r} has {distinct} distinct values in training: {kept}"


def unknown_characters(inputs: TextInputs, text: str) -> Iterator[str]:
    """A sentence where `text`, which is validation and test, has characters that training lacks."""
    unknown = inputs.unknown(text)
    if unknown:
        stand_in = inputs.characters[inputs.stand_in]
        yield f"{unknown} characters of validation and test are not in training and read as {stand_in!r}"
