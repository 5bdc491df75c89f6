"""The data sets inside scikit-learn: no download."""

from typing import Any

import numpy as np

from neuromosaic.core.evaluation.data.raw import Part, Raw, Table
from neuromosaic.core.evaluation.data.sources.selection import Selection

BUILTIN = ("digits", "iris", "wine", "breast_cancer", "diabetes")


def read_builtin(name: str, selection: Selection) -> Raw:
    """`digits`: images [1797, 8, 8] of 0 to 16; all others tables; `diabetes` is a regression."""
    from sklearn import datasets

    notes = selection.refuse_columns(name)
    loaded: Any = getattr(datasets, f"load_{name}")()
    if name == "digits":
        return Raw(name, {"train": Part(loaded.images.astype(np.uint8), loaded.target)}, notes=notes)
    table = Table.of_numbers(loaded.data, [str(column) for column in loaded.feature_names])
    if name == "diabetes":
        return Raw(name, {"train": Part(table, loaded.target)}, notes=notes)
    classes = loaded.target_names.astype(str)
    return Raw(name, {"train": Part(table, classes[loaded.target])}, classes=tuple(classes.tolist()), notes=notes)
