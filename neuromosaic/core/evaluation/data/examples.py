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
from neuromosaic.core.evaluation.data.inputs import GraphInputs, ImageInputs, Inputs, SequenceInputs, TabularInputs
from neuromosaic.core.evaluation.data.kinds import Kind, recognise
from neuromosaic.core.evaluation.data.labels import check_task, check_variety, infer_task
from neuromosaic.core.evaluation.data.noticing import notices
from neuromosaic.core.evaluation.data.preprocessing import Preprocessing
from neuromosaic.core.evaluation.data.raw import Array, Part, PartName, Raw, Table
from neuromosaic.core.evaluation.data.room import OnDisk, blocks, room
from neuromosaic.core.evaluation.data.spelling import listed
from neuromosaic.core.evaluation.data.targets import (
    EMBEDDING,
    ClassTargets,
    EmbeddingTargets,
    ItselfTargets,
    LabelTargets,
    NumberTargets,
    PositionTargets,
    Targets,
    whole,
)
from neuromosaic.core.role_inputs import DataSummary
from neuromosaic.core.tasks import CLASS_BY_POSITION, IGNORED


def dataset_of_examples(raw: Raw, brief: Brief, known: Preprocessing | None) -> Dataset:
    """Recognises kind and task, divides, fits (or keeps what is `known`), and applies.

    Raises DataError for faulty data, and where they contradict the brief.
    """
    for part_name, part in raw.parts.items():
        check_finite(part, raw.name if len(raw.parts) == 1 else f"{raw.name} ({part_name})")
        if known is not None:
            known.check_range(part.x)
    digest = content_hash(raw)
    expected = _expected(brief, known)
    kind = Kind("graph") if raw.graphs else recognise(raw.parts["train"].x, expected, raw.name)
    task, task_note = _task(raw, brief, kind, known)
    classes = _classes(raw, task, known)
    parts, split_note = divided(raw, classes, digest)
    preprocessing = known or _fitted(raw, parts["train"], kind, task, classes, brief)
    check_agreement(brief, preprocessing, raw.name)
    counts = _class_counts(raw, parts["train"], preprocessing)
    said = _latent_note(brief, preprocessing)
    noticed = (*raw.notes, kind.note, task_note, said, split_note, *notices(parts, preprocessing, counts))
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
        task, note = infer_task(_labels(raw), kind.name, brief.output, _positions(raw.parts["train"].x, kind))
    if task == "generation":
        _check_examples(raw, kind)
        return task, note
    check_task(task, raw.labels, raw.name)
    if known is None:
        check_variety(task, raw.labels, raw.name)
    return task, note


def _positions(x: Array | Table, kind: Kind) -> tuple[int, ...]:
    """The steps of a sequence, the nodes of a graph, height and width of an image; a table's columns are none."""
    if kind.name == "image":
        return kind.shape[1:]
    return x.shape[1:2] if kind.name in ("sequence", "graph") and not isinstance(x, Table) else ()


def _classes(raw: Raw, task: Task, known: Preprocessing | None) -> ClassTargets | None:
    if known is not None:
        targets = known.targets.as_classes if isinstance(known.targets, EmbeddingTargets) else known.targets
        return targets if isinstance(targets, ClassTargets) else None
    if task not in ("classification", "metric_learning"):
        return None
    return ClassTargets.fit(whole(raw.labels), raw.classes, raw.columns)


def _labels(raw: Raw) -> Array:
    """Raises DataError where there are none."""
    if not raw.labelled:
        raise DataError(f"{raw.name} holds no labels: add them, or ask for a generative model of what it holds")
    return raw.labels


def _check_examples(raw: Raw, kind: Kind) -> None:
    """Raises DataError where examples cannot be generated, or are all the same."""
    if kind.name == "graph":
        raise DataError(f"{raw.name} holds graphs, which are not generated: give images, tables or sequences")
    x = raw.parts["train"].x
    values, texts = (x.numbers, x.texts) if isinstance(x, Table) else (x, x[:, :0])
    if (values == values[:1]).all() and (texts == texts[:1]).all():
        raise DataError(f"all examples of {raw.name} are the same: there is nothing to learn from them")


def _latent_note(brief: Brief, preprocessing: Preprocessing) -> str:
    targets, sized = preprocessing.targets, ("autoencoder", "gan")
    if brief.latent is not None or not isinstance(targets, ItselfTargets) or targets.generative not in sized:
        return ""
    return f"latent: codes of {targets.latent} numbers, since the brief leaves their size open"


def _fitted(
    raw: Raw, train: Part, kind: Kind, task: Task, classes: ClassTargets | None, brief: Brief
) -> Preprocessing:
    if task == "generation":
        inputs = _inputs(train.x, kind, raw.ignored)
        itself = ItselfTargets.fit(inputs.spec, brief.latent, raw.name, brief.generative)
        return Preprocessing(task=task, inputs=inputs, targets=itself)
    if task == "metric_learning" and classes is not None:
        size = brief.output.shape[0] if brief.output else EMBEDDING
        embedding = EmbeddingTargets(classes=classes.classes, size=size, columns=classes.columns)
        return Preprocessing(task=task, inputs=_inputs(train.x, kind, raw.ignored), targets=embedding)
    targets = classes or _fitted_targets(raw, train, kind, task)
    return Preprocessing(task=task, inputs=_inputs(train.x, kind, raw.ignored), targets=targets)


def _fitted_targets(raw: Raw, train: Part, kind: Kind, task: Task) -> Targets:
    if task in CLASS_BY_POSITION:
        return PositionTargets.fit(raw.labels, _positions(train.x, kind), raw.columns)
    fitting = LabelTargets if task == "multi_label" else NumberTargets
    return fitting.fit(train.labels, raw.columns)


def _inputs(x: Array | Table, kind: Kind, ignored: tuple[str, ...]) -> Inputs:
    if isinstance(x, Table):
        return TabularInputs.fit(x, ignored)
    if kind.name == "graph":
        return GraphInputs.fit(x)
    if kind.name == "tabular":
        return TabularInputs.fit(Table.of_numbers(x), ignored)
    return ImageInputs.fit(x, kind.layout, kind.shape) if kind.name == "image" else SequenceInputs.fit(x)


def _split(part: Part, preprocessing: Preprocessing, name: str) -> Split:
    x = preprocessing.apply(part.x)
    return Split(x, x if preprocessing.task == "generation" else _encoded(part.labels, preprocessing, name))


def _encoded(labels: Array, preprocessing: Preprocessing, name: str) -> Array:
    """Of many positions a block at a time: ids take eight times the room of a mask's bytes."""
    first = preprocessing.encode(labels[:1], name)
    y = room((len(labels), *first.shape[1:]), first.dtype)
    if not isinstance(y, OnDisk):
        return preprocessing.encode(labels, name)
    for rows in blocks(labels):
        y[rows] = preprocessing.encode(labels[rows], name)
    return y


def _class_counts(raw: Raw, train: Part, preprocessing: Preprocessing) -> tuple[int, ...]:
    """Training examples (or positions) per class or label; empty without.

    Raises DataError where another split holds a class that training lacks: it could not be learned.
    """
    targets = preprocessing.targets
    if isinstance(targets, LabelTargets):
        return tuple(targets.encode(train.labels).sum(axis=0).astype(int).tolist())
    if not isinstance(targets, ClassTargets | EmbeddingTargets | PositionTargets):
        return ()
    counts, present = (_occurrences(targets, labels) for labels in (train.labels, raw.labels))
    unlearned = [targets.classes[place] for place in np.flatnonzero((counts == 0) & (present > 0))]
    if unlearned:
        raise DataError(
            f"the classes {listed(unlearned)} of {raw.name} occur in validation or test only, so they cannot be "
            "learned: give training examples of them, or drop them"
        )
    return tuple(counts.tolist())


def _occurrences(targets: ClassTargets | EmbeddingTargets | PositionTargets, labels: Array) -> Array:
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
