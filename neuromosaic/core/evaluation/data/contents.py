"""What the content of data says of itself: their hash, faulty values, examples that occur twice."""

import hashlib
import json
from collections.abc import Iterable, Iterator

import numpy as np

from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data.raw import Array, Part, Raw, RawText, Table
from neuromosaic.core.evaluation.data.room import blocks
from neuromosaic.core.evaluation.data.spelling import sized

_VERSION = "data/1"
"""Changes whenever the same content would be split or prepared in another way."""


def content_hash(raw: Raw | RawText) -> str:
    """Hex sha256 of what the data hold, whatever file they came from and whatever the brief's seed.

    Groups and times count, since they decide the splits.
    """
    if isinstance(raw, RawText):
        return hashlib.sha256(f"{_VERSION}/text/".encode() + raw.text.encode("utf-8")).hexdigest()
    digest = hashlib.sha256(_VERSION.encode())
    arrays = [(name, array) for name, part in sorted(raw.parts.items()) for array in _arrays(part)]
    tables = [part.x for part in raw.parts.values() if isinstance(part.x, Table)]
    names = [table.number_names + table.text_names for table in tables]
    digest.update(json.dumps([raw.classes, names]).encode())
    for name, array in [*arrays, ("groups", raw.groups), ("times", _counted(raw.times))]:
        if array is not None:
            _update(digest, name, array)
    return digest.hexdigest()


def _counted(times: Array | None) -> Array | None:
    """Dates as microseconds."""
    return times.astype("datetime64[us]").astype(np.int64) if times is not None and times.dtype.kind == "M" else times


def _arrays(part: Part) -> Iterator[Array]:
    yield from (part.x.numbers, part.x.texts) if isinstance(part.x, Table) else (part.x,)
    if part.y is not None:
        yield part.y


def _update(digest: "hashlib._Hash", name: str, array: Array) -> None:
    digest.update(json.dumps([name, array.dtype.kind, array.dtype.itemsize, array.shape]).encode())
    if array.dtype.kind == "O":
        digest.update(json.dumps(array.ravel().tolist()).encode())
    else:
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        digest.update(np.ascontiguousarray(little).reshape(-1).view(np.uint8).data)


def check_finite(part: Part, name: str) -> None:
    """Raises DataError naming columns, rows and counts of NaN and infinite inputs."""
    if isinstance(part.x, Table):
        _check_table(part.x, name)
    elif part.x.dtype.kind == "f" and len(faults := _faults(part.x)):
        place = f"row {faults[0][0]}" + (f", position {sized(faults[0][1:])}" if part.x.ndim > 1 else "")
        raise DataError(
            f"the inputs of {name} hold {len(faults)} NaN or infinite values, first in {place}: fill or drop them"
        )


def _faults(x: Array) -> Array:
    """The places of what is not finite, [faults, axes]."""
    found = []
    for rows in blocks(x):
        places = np.argwhere(~np.isfinite(x[rows]))
        places[:, 0] += rows.start
        found.append(places)
    return np.concatenate(found)


def _check_table(table: Table, name: str) -> None:
    counts = (~np.isfinite(table.numbers)).sum(axis=0)
    faulty = np.flatnonzero(counts)
    if len(faulty):
        columns = ", ".join(f"{table.number_names[place]!r} ({counts[place]})" for place in faulty[:8])
        more = f" and {len(faulty) - 8} more" if len(faulty) > 8 else ""
        raise DataError(
            f"{name} has missing, NaN or infinite values in the columns (rows): {columns}{more}: fill or drop them"
        )


def repeated(parts: Iterable[Part]) -> tuple[int, int]:
    """Of training, validation and test, in this order: how many examples have inputs that an earlier part holds
    too, and of how many (the first part is earlier than all).
    """
    seen: set[int] = set()
    found = total = 0
    for number, part in enumerate(parts):
        rows = [hash(row) for row in _rows(part.x)]
        if number:
            found += sum(row in seen for row in rows)
            total += len(rows)
        seen.update(rows)
    return found, total


def _rows(x: Array | Table) -> Iterator[bytes]:
    if not isinstance(x, Table):
        return (np.ascontiguousarray(row).tobytes() for row in x)
    texts = ("\0".join(row).encode() for row in x.texts.tolist())
    return (np.ascontiguousarray(row).tobytes() + text for row, text in zip(x.numbers, texts, strict=True))
