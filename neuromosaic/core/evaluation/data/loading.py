"""Data in: for designing a network, for training it again, for predicting with it."""

from collections.abc import Sequence

import numpy as np

from neuromosaic.core.brief import Brief
from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data.contents import check_finite
from neuromosaic.core.evaluation.data.dataset import Dataset
from neuromosaic.core.evaluation.data.examples import dataset_of_examples
from neuromosaic.core.evaluation.data.preprocessing import Preprocessing
from neuromosaic.core.evaluation.data.raw import Array, RawText
from neuromosaic.core.evaluation.data.room import room
from neuromosaic.core.evaluation.data.series import dataset_of_series, latest_window
from neuromosaic.core.evaluation.data.sources import Selection, read
from neuromosaic.core.evaluation.data.texts import dataset_of_text, text_inputs


def load_dataset(brief: Brief, preprocessing: Preprocessing | None = None) -> Dataset:
    """The data that `brief.data` names, split, checked against the brief, and prepared.

    With `preprocessing` (of a delivered network, to train it again) nothing is fitted: scales, columns,
    characters and the order of the classes stay, and the data must fit them.
    Raises DataError where data cannot be read, are faulty, or contradict the brief.
    """
    if brief.data is None:
        raise DataError("the brief names no data: give them with --data (a file, a folder, or a name such as digits)")
    raw = read(brief.data, Selection.of(brief, preprocessing))
    if isinstance(raw, RawText):
        return dataset_of_text(raw, brief, preprocessing)
    if raw.series or (preprocessing.task if preprocessing else brief.task) == "forecasting":
        return dataset_of_series(raw, brief, preprocessing)
    return dataset_of_examples(raw, brief, preprocessing)


def load_inputs(reference: str, preprocessing: Preprocessing) -> tuple[Array, Array | None]:
    """New data for a delivered network: what it reads, and the targets (None where the data hold no labels).

    Of a series the latest window alone: what follows it is to be forecast.
    Of data with splits all examples, in the order training, validation, test.
    Raises DataError where they are not of the kind, shape or columns that the network was trained on.
    """
    raw = read(reference, Selection.for_network(preprocessing))
    if isinstance(raw, RawText):
        text = text_inputs(preprocessing, raw.name)
        return text.windows(raw.text) if len(raw.text) > text.context else (text.apply(raw.text), None)
    if preprocessing.task == "forecasting":
        return latest_window(raw, preprocessing), None
    parts = list(raw.in_order().values())
    for part in parts:
        check_finite(part, raw.name)
        preprocessing.check_range(part.x)
    x = _joined([preprocessing.apply(part.x) for part in parts])
    if preprocessing.task == "generation":
        return x, x
    return x, _joined([preprocessing.encode(part.labels, raw.name) for part in parts]) if raw.labelled else None


def _joined(arrays: Sequence[Array]) -> Array:
    if len(arrays) == 1:
        return arrays[0]
    whole = room((sum(map(len, arrays)), *arrays[0].shape[1:]), arrays[0].dtype)
    return np.concatenate(arrays, out=whole)
