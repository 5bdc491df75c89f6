"""Labelled examples, of whatever kind, as a dataset."""

from collections.abc import Mapping
from functools import partial

import numpy as np

from neuromosaic.core.brief import Brief, Task
from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data.agreement import check_agreement
from neuromosaic.core.evaluation.data.contents import check_finite, content_hash
from neuromosaic.core.evaluation.data.dataset import Dataset, Split
from neuromosaic.core.evaluation.data.dividing import divided
from neuromosaic.core.evaluation.data.inputs import ImageInputs, Inputs, SequenceInputs, TabularInputs
from neuromosaic.core.evaluation.data.kinds import Kind, recognise
from neuromosaic.core.evaluation.data.labels import check_task, check_variety, infer_task
from neuromosaic.core.evaluation.data.noticing import notices
from neuromosaic.core.evaluation.data.preprocessing import Preprocessing
from neuromosaic.core.evaluation.data.raw import Array, Part, PartName, Raw, Table
from neuromosaic.core.evaluation.data.spelling import listed
from neuromosaic.core.evaluation.data.targets import (
    ClassTargets,
    LabelTargets,
    NumberTargets,
    PositionTargets,
    Targets,
    whole,
)
from neuromosaic.core.role_inputs import DataSummary
from neuromosaic.core.tasks import IGNORED


def dataset_of_examples(raw: Raw, brief: Brief, known: Preprocessing | None) -> Dataset:
    """Recognises kind and task, divides, fits (or keeps what is `known`), and applies.

    Raises DataError for faulty data, and where they contradict the brief.
    """
    for part_name, part in raw.parts.items():
        check_finite(part, raw.name if len(raw.parts) == 1 else f"{raw.name} ({part_name})")
        if known is not None:
            known.check_range(part.x)
    digest = content_hash(raw)
    kind = recognise(raw.parts["train"].x, _expected(brief, known), raw.name)
    task, task_note = _task(raw, brief, kind, known)
    classes = _classes(raw, task, known)
    parts, split_note = divided(raw, classes, digest)
    preprocessing = known or _fitted(raw, parts["train"], kind, task, classes)
    check_agreement(brief, preprocessing, raw.name)
    counts = _class_counts(raw, parts["train"], preprocessing)
    noticed = (*raw.notes, kind.note, task_note, split_note, *notices(parts, preprocessing, counts))
    notes = tuple(note for note in noticed if note)
    splits = {name: partial(_split, part, preprocessing, raw.name) for name, part in parts.items()}
    return Dataset(
        name=raw.name,
        contract=preprocessing.contract,
        summary=_summary(raw.name, preprocessing, parts, counts, notes),
        train=splits["train"](),
        validation=splits["validation"](),
        hash=digest,
        preprocessing=preprocessing,
        notes=notes,
        _test=splits["test"],
    )


def _expected(brief: Brief, known: Preprocessing | None) -> tuple[int, ...] | None:
    if known is not None:
        return known.contract.input.shape
    return brief.input.shape if brief.input else None


def _task(raw: Raw, brief: Brief, kind: Kind, known: Preprocessing | None) -> tuple[Task, str]:
    task, note = known.task if known else brief.task, ""
    if task is None:
        task, note = infer_task(raw.labels, kind.name, brief.output, _positions(raw.parts["train"].x, kind))
    check_task(task, raw.labels, raw.name)
    if known is None:
        check_variety(task, raw.labels, raw.name)
    return task, note


def _positions(x: Array | Table, kind: Kind) -> tuple[int, ...]:
    """The steps of a sequence, height and width of an image; a table's columns are none."""
    if kind.name == "image":
        return kind.shape[1:]
    return x.shape[1:2] if kind.name == "sequence" and not isinstance(x, Table) else ()


def _classes(raw: Raw, task: Task, known: Preprocessing | None) -> ClassTargets | None:
    if known is not None:
        return known.targets if isinstance(known.targets, ClassTargets) else None
    return ClassTargets.fit(whole(raw.labels), raw.classes, raw.columns) if task == "classification" else None


def _fitted(raw: Raw, train: Part, kind: Kind, task: Task, classes: ClassTargets | None) -> Preprocessing:
    targets = classes or _fitted_targets(raw, train, kind, task)
    return Preprocessing(task=task, inputs=_inputs(train.x, kind, raw.ignored), targets=targets)


def _fitted_targets(raw: Raw, train: Part, kind: Kind, task: Task) -> Targets:
    if task in ("sequence_labelling", "segmentation"):
        return PositionTargets.fit(raw.labels, _positions(train.x, kind), raw.columns)
    fitting = LabelTargets if task == "multi_label" else NumberTargets
    return fitting.fit(train.labels, raw.columns)


def _inputs(x: Array | Table, kind: Kind, ignored: tuple[str, ...]) -> Inputs:
    if isinstance(x, Table):
        return TabularInputs.fit(x, ignored)
    if kind.name == "tabular":
        return TabularInputs.fit(Table.of_numbers(x), ignored)
    return ImageInputs.fit(x, kind.layout, kind.shape) if kind.name == "image" else SequenceInputs.fit(x)


def _split(part: Part, preprocessing: Preprocessing, name: str) -> Split:
    return Split(preprocessing.apply(part.x), preprocessing.encode(part.labels, name))


def _class_counts(raw: Raw, train: Part, preprocessing: Preprocessing) -> tuple[int, ...]:
    """Training examples (or positions) per class or label; empty without.

    Raises DataError where another split holds a class that training lacks: it could not be learned.
    """
    targets = preprocessing.targets
    if isinstance(targets, LabelTargets):
        return tuple(targets.encode(train.labels).sum(axis=0).astype(int).tolist())
    if not isinstance(targets, ClassTargets | PositionTargets):
        return ()
    counts, present = (_occurrences(targets, labels) for labels in (train.labels, raw.labels))
    unlearned = [targets.classes[place] for place in np.flatnonzero((counts == 0) & (present > 0))]
    if unlearned:
        raise DataError(
            f"the classes {listed(unlearned)} of {raw.name} occur in validation or test only, so they cannot be "
            "learned: give training examples of them, or drop them"
        )
    return tuple(counts.tolist())


def _occurrences(targets: ClassTargets | PositionTargets, labels: Array) -> Array:
    ids = targets.encode(labels)
    return np.bincount(ids[ids != IGNORED], minlength=len(targets.classes))


def _summary(
    name: str,
    preprocessing: Preprocessing,
    parts: Mapping[PartName, Part],
    counts: tuple[int, ...],
    notes: tuple[str, ...],
) -> DataSummary:
    inputs = preprocessing.inputs
    return DataSummary(
        name=name,
        kind=inputs.kind,
        train=len(parts["train"]),
        validation=len(parts["validation"]),
        test=len(parts["test"]),
        classes=tuple(map(str, preprocessing.classes)),
        class_counts=counts,
        columns=inputs.features if isinstance(inputs, TabularInputs) and isinstance(parts["train"].x, Table) else (),
        notes=notes,
    )
