"""Data as their source brought them: nothing scaled, nothing split that was not split before."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data.room import taken

Array = NDArray[Any]
PartName = Literal["train", "validation", "test"]
PARTS: tuple[PartName, ...] = ("train", "validation", "test")
Label = bool | int | str


@contextmanager
def sober_numbers(what: str) -> Iterator[None]:
    """Raises DataError where arithmetic on `what` leaves the range of its floating-point type."""
    try:
        with np.errstate(over="raise"):
            yield
    except FloatingPointError:
        raise DataError(f"{what} hold values too large or too far apart for 32-bit numbers: correct them") from None


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of named columns: `numbers` [rows, numeric columns], `texts` [rows, text columns] of str objects."""

    numbers: Array
    number_names: tuple[str, ...]
    texts: Array
    text_names: tuple[str, ...] = ()

    @classmethod
    def of_numbers(cls, numbers: Array, names: Sequence[str] | None = None) -> "Table":
        """A table without text columns; columns without names are called x0, x1, ..."""
        names = names or [f"x{column}" for column in range(numbers.shape[1])]
        return cls(numbers, tuple(names), np.empty((len(numbers), 0), dtype=object))

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, rows: Array) -> "Table":
        return replace(self, numbers=taken(self.numbers, rows), texts=self.texts[rows])


@dataclass(frozen=True, eq=False)
class Part:
    """Examples that belong together: inputs [n, ...] and, where known, labels [n] or targets [n, k]."""

    x: Array | Table
    y: Array | None

    def __len__(self) -> int:
        return len(self.x)

    @property
    def labels(self) -> Array:
        """Raises DataError where there are none."""
        if self.y is None:
            raise DataError("these data hold no labels: add them")
        return self.y

    def __getitem__(self, rows: Array) -> "Part":
        x = self.x[rows] if isinstance(self.x, Table) else taken(self.x, rows)
        return Part(x, None if self.y is None else taken(self.y, rows))


@dataclass(frozen=True, eq=False)
class Raw:
    """Examples as brought. `parts` holds "train" alone, or also the other splits that the data bring.

    `classes`: the labels in an order of their own, where they have one. `columns`: what y is called.
    `series`: the rows are the steps of one series, to be forecast. `graphs`: inputs are [n, nodes, features + nodes].
    `ignored`: columns that are no inputs. `groups` and `times` (numbers or datetime64), one per example, exist only
    where "train" is all.
    """

    name: str
    parts: Mapping[PartName, Part]
    classes: tuple[str, ...] | None = None
    columns: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    groups: Array | None = None
    times: Array | None = None
    notes: tuple[str, ...] = ()
    series: bool = False
    graphs: bool = False

    @property
    def labels(self) -> Array:
        """The labels of all parts, one part after the other. Raises DataError where a part has none."""
        return np.concatenate([part.labels for part in self.in_order().values()])

    @property
    def labelled(self) -> bool:
        return all(part.y is not None for part in self.parts.values())

    def in_order(self) -> dict[PartName, Part]:
        return {name: self.parts[name] for name in PARTS if name in self.parts}


@dataclass(frozen=True)
class RawText:
    """A text for a character language model. Raises DataError where it is empty or no text."""

    name: str
    text: str = field(repr=False)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise DataError(f"{self.name} holds no text: give a file with some thousand characters")
        try:
            self.text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise DataError(
                f"{self.name} holds half a character (a lone surrogate) at {error.start}: remove it"
            ) from None
