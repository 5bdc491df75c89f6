"""Tables: `.csv` and `.parquet`, by pandas."""

import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data.labels import tidy_labels
from neuromosaic.core.evaluation.data.raw import Array, Part, Raw, Table
from neuromosaic.core.evaluation.data.sources.selection import Selection
from neuromosaic.core.evaluation.data.spelling import did_you_mean, listed

USUAL_TARGETS = ("target", "label", "class", "y")
_ROW_NUMBERS = "Unnamed: 0"
_IDENTIFIER = re.compile(r"(?i:id|uuid|guid|index|row|(?:.*[_ .-])(?:id|uuid|guid))|.*[a-z](?:Id|ID)")


def read_table(path: Path, selection: Selection) -> Raw:
    """All columns but target, group and time are inputs: numbers and booleans as numbers, all else as texts.

    Raises DataError where the table cannot be read, a named column is missing, or columns are not the known ones.
    """
    frame = _frame(path, selection)
    columns = list(frame.columns)
    targets, notes = _targets(columns, path, selection)
    for name in (selection.group, selection.time):
        _check_column(name, columns, path)
        if name in targets:
            raise DataError(f"{name!r} cannot be what is predicted and decide the splits of {path.name}: choose one")
    left_out = [name for name in (selection.group, selection.time, _ROW_NUMBERS) if name and name in columns]
    if selection.known is None:
        left_out += [name for name in columns if name not in (*targets, *left_out) and _is_identifier(frame[name])]
    features = [name for name in columns if name not in targets and name not in left_out]
    if selection.series_features is not None:
        features = _present(list(selection.series_features), columns, path, selection)
    elif selection.known:
        features = _known_features(features, path, selection)
    part = Part(_table(frame, features, path, selection), _labels(frame, targets, path))
    groups, times = _groups(frame, selection.group, path), _times(frame, selection.time, path)
    if left_out:
        notes.append(
            f"the columns {listed(left_out)} are no inputs"
            if len(left_out) > 1
            else f"the column {left_out[0]!r} is no input"
        )
    return Raw(path.name, {"train": part}, None, tuple(targets), tuple(left_out), groups, times, tuple(notes))


def _is_identifier(column: Any) -> bool:
    """Whole numbers that are called an identifier and never occur twice: there is nothing in them to learn."""
    named = _IDENTIFIER.fullmatch(str(column.name)) is not None
    return named and column.dtype.kind in "iu" and len(column) > 1 and bool(column.is_unique)


def _pandas(path: Path) -> ModuleType:
    try:
        import pandas
    except ImportError:
        raise DataError(f"reading {path.name} needs pandas: pip install neuromosaic[tables]") from None
    return pandas  # type: ignore[no-any-return]


def _frame(path: Path, selection: Selection) -> Any:
    pandas = _pandas(path)
    try:
        frame = pandas.read_parquet(path) if path.suffix.lower() == ".parquet" else _read_csv(pandas, path, selection)
    except ImportError:
        raise DataError(f"reading {path.name} needs pyarrow: pip install neuromosaic[tables]") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as a table: {' '.join(str(error).split())}") from None
    frame.columns = [str(name) for name in frame.columns]
    if frame.empty:
        raise DataError(f"{path} holds no rows: give a table with a header line and examples")
    return frame


def _read_csv(pandas: Any, path: Path, selection: Selection) -> Any:
    with path.open(encoding="utf-8", errors="replace") as file:
        header = file.readline()
    separator = max(",;\t", key=header.count)
    texts = {column.name: str for column in selection.table.categories} if selection.table else {}
    return pandas.read_csv(path, sep=separator, dtype=texts, low_memory=False)


def _targets(columns: list[str], path: Path, selection: Selection) -> tuple[list[str], list[str]]:
    """The target columns, and a note where they were guessed. Several are named "a,b"."""
    if selection.target in columns:
        return [selection.target], []
    names = [name.strip() for name in selection.target.split(",")] if selection.target else selection.known_targets
    if names:
        return _present(list(names), columns, path, selection), []
    usual = [name for name in columns if name.lower() in USUAL_TARGETS]
    if len(usual) == 1:
        return usual, [f"the target is the column {usual[0]!r}, since no --target was given"]
    if selection.labelled:
        raise DataError(f"say which column of {path.name} to predict with --target: it has {listed(columns)}")
    return [], []


def _present(names: list[str], columns: list[str], path: Path, selection: Selection) -> list[str]:
    if not selection.labelled and not set(names) <= set(columns):
        return []
    for name in names:
        _check_column(name, columns, path)
    return names


def _check_column(name: str | None, columns: list[str], path: Path) -> None:
    if name is not None and name not in columns:
        raise DataError(f"{path.name} has no column {name!r}{did_you_mean(name, columns)}: it has {listed(columns)}")


def _known_features(features: list[str], path: Path, selection: Selection) -> list[str]:
    """The columns that a network reads, of a table that must have these and no others."""
    inputs = selection.table
    if inputs is None:
        raise DataError(f"{path.name} is a table, which is not what the network was trained on")
    wanted = [*inputs.columns, *(column.name for column in inputs.categories)]
    missing = [name for name in wanted if name not in features]
    extra = [name for name in features if name not in {*wanted, *inputs.ignored, *selection.known_targets}]
    if missing or extra:
        lacks = f" lacks the columns {listed(missing)}" if missing else ""
        has = f" has the columns {listed(extra)}, which the network does not know" if extra else ""
        raise DataError(f"{path.name}{lacks}{' and' if lacks and has else ''}{has}: give those of the training data")
    return wanted


def _table(frame: Any, features: Sequence[str], path: Path, selection: Selection) -> Table:
    if selection.table:
        numeric = list(selection.table.columns)
    elif selection.series_features is not None:
        numeric = list(features)
    else:
        numeric = [name for name in features if frame[name].dtype.kind in "biuf"]
    texts = [name for name in features if name not in numeric]
    if not features and not selection.is_series:
        raise DataError(f"{path.name} has no column besides the target: there is nothing to predict from")
    numbers = [_numbers(frame[name], name, path) for name in numeric]
    words = [_words(frame[name]) for name in texts]
    return Table(_side_by_side(numbers, len(frame), np.float64), tuple(numeric),
                 _side_by_side(words, len(frame), object), tuple(texts))  # fmt: skip


def _side_by_side(columns: list[Array], rows: int, dtype: Any) -> Array:
    return np.stack(columns, axis=1) if columns else np.empty((rows, 0), dtype=dtype)


def _numbers(column: Any, name: str, path: Path) -> Array:
    try:
        return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
    except (ValueError, TypeError) as error:
        raise DataError(
            f"the column {name!r} of {path.name} must hold numbers, as in training: {' '.join(str(error).split())}"
        ) from None


def _words(column: Any) -> Array:
    """Texts as str objects; a missing one is the empty text, a category like any other."""
    words = np.empty(len(column), dtype=object)
    words[:] = ["" if missing else str(word) for word, missing in zip(column, column.isna(), strict=True)]
    return words


def _labels(frame: Any, targets: list[str], path: Path) -> Array | None:
    if not targets:
        return None
    for name in targets:
        missing = int(frame[name].isna().sum())
        if missing:
            raise DataError(f"the target {name!r} of {path.name} is missing in {missing} rows: fill or drop them")
    columns = [_label_column(frame[name]) for name in targets]
    if len(columns) > 1 and any(column.dtype.kind == "U" for column in columns):
        raise DataError(f"the targets {listed(targets)} of {path.name} are not all numbers: name one class column")
    return tidy_labels(columns[0] if len(columns) == 1 else np.stack(columns, axis=1), path.name)


def _label_column(column: Any) -> Array:
    if column.dtype.kind in "biuf":
        return np.asarray(column.to_numpy(dtype=getattr(column.dtype, "numpy_dtype", column.dtype)))
    return np.array([str(label) for label in column])


def _groups(frame: Any, name: str | None, path: Path) -> Array | None:
    if name is None:
        return None
    missing = int(frame[name].isna().sum())
    if missing:
        raise DataError(f"the group column {name!r} of {path.name} is empty in {missing} rows: fill or drop them")
    return frame[name].astype(str).to_numpy(dtype=str)  # type: ignore[no-any-return]


def _times(frame: Any, name: str | None, path: Path) -> Array | None:
    """Numbers as they are, int64 or float64; texts parsed as dates, datetime64[us]."""
    if name is None:
        return None
    column = frame[name] if frame[name].dtype.kind in "iuf" else _dates(frame[name], name, path)
    missing = int(column.isna().sum())
    if missing:
        raise DataError(f"the time column {name!r} of {path.name} is empty in {missing} rows: fill or drop them")
    times: Array = column.to_numpy()
    return times if times.dtype.kind in "iuf" else times.astype("datetime64[us]")


def _dates(column: Any, name: str, path: Path) -> Any:
    """Dates in UTC. What pandas only warns of, such as day and month in doubt, is refused."""
    try:
        with warnings.catch_warnings(action="error"):
            return _pandas(path).to_datetime(column, utc=True).dt.tz_localize(None)
    except (ValueError, TypeError, OverflowError, UserWarning):
        example = str(column.iloc[0])
        raise DataError(
            f"the time column {name!r} of {path.name} holds no dates or numbers, or dates in doubt ({example!r}): "
            "write them as 2020-12-31"
        ) from None
