"""How raw inputs become what a network reads: fitted on the training split, stored, and applied to all else."""

from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from neuromosaic.core.brief import TensorSpec, Value
from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data.raw import Array, Table, sober_numbers
from neuromosaic.core.evaluation.data.room import blocks, room
from neuromosaic.core.evaluation.data.spelling import listed, sized

Layout = Literal["hw", "hwc", "chw", "flat"]
CATEGORIES = 64


class Scaling(Value):
    """Standardisation per channel, column or feature; `low` and `high` are the training data's range."""

    mean: tuple[float, ...]
    std: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    @classmethod
    @sober_numbers("the inputs")
    def fit(cls, x: Array, axis: int) -> "Scaling":
        """Of `x` along `axis`, in float64, a block of examples at a time; what never changes is only shifted to 0."""
        axes = tuple(other for other in range(x.ndim) if other != axis)
        count = x.size / max(1, x.shape[axis])
        low, high = x.min(axis=axes).astype(float), x.max(axis=axes).astype(float)
        mean = sum((chunk.sum(axis=axes) for chunk in _in_float64(x)), np.zeros(x.shape[axis])) / count
        mean = np.where(low == high, low, mean)
        spread = np.zeros_like(mean)
        for chunk in _in_float64(x):
            chunk -= _along(mean, axis, x.ndim)
            spread += np.square(chunk, out=chunk).sum(axis=axes)
        std = np.sqrt(spread / count)
        std = np.where(std > 1e-12 * np.abs(mean), std, 1.0)
        return cls(
            mean=tuple(mean.tolist()), std=tuple(std.tolist()), low=tuple(low.tolist()), high=tuple(high.tolist())
        )

    @sober_numbers("the inputs")
    def apply(self, x: Array, axis: int) -> Array:
        """`(x - mean) / std`, float32, contiguous; no other copy of `x` is made."""
        out = room(x.shape, np.float32)
        mean, std = (_along(np.array(values), axis, x.ndim) for values in (self.mean, self.std))
        for rows in blocks(x):
            out[rows] = (x[rows] - mean) / std
        return out

    def undo(self, x: Array, axis: int) -> Array:
        """What `apply` was given, float64; places along `axis` beyond those that were scaled stay as they are."""
        further = (0.0,) * (x.shape[axis] - len(self.mean))
        mean, std = (
            _along(np.array((*values, *rest)), axis, x.ndim)
            for values, rest in ((self.mean, further), (self.std, tuple(1.0 for _ in further)))
        )
        return np.asarray(x.astype(np.float64) * std + mean)


class ImageInputs(Value):
    """Images as float32 [n, channels, height, width].

    `layout` of one raw image: "hw" grey, "hwc" or "chw" with channels, "flat" all pixels in a row (of "chw").
    """

    kind: Literal["image"] = "image"
    layout: Layout
    shape: tuple[int, int, int]
    scaling: Scaling

    @classmethod
    def fit(cls, x: Array, layout: Layout, shape: tuple[int, int, int]) -> "ImageInputs":
        return cls(layout=layout, shape=shape, scaling=Scaling.fit(arranged(x, layout, shape), axis=1))

    @property
    def spec(self) -> TensorSpec:
        return TensorSpec(shape=self.shape)

    def apply(self, raw: Array | Table) -> Array:
        """Raw images in `layout`, or in any other that has room for `shape`. Raises DataError for another size."""
        if isinstance(raw, Table):
            raise DataError(f"the network reads images of {sized(self.shape)}, but these are {described(raw)}")
        return self.scaling.apply(arranged(raw, self._layout_of(raw), self.shape), axis=1)

    def _layout_of(self, raw: Array) -> Layout:
        channels, height, width = self.shape
        shapes: dict[Layout, tuple[int, ...]] = {"chw": self.shape, "hwc": (height, width, channels)}
        if channels == 1 or self.layout == "flat":
            shapes |= {"hw": (height, width), "flat": (channels * height * width,)}
        fitting = [layout for layout, shape in shapes.items() if raw.shape[1:] == shape]
        if not fitting:
            raise DataError(f"the network reads images of {sized(self.shape)}, but these are {described(raw)}")
        return self.layout if self.layout in fitting else fitting[0]

    def check_range(self, raw: Array) -> None:
        """Raises DataError where new images are plainly on another scale than those of training (0..1, 0..255)."""
        low, high = min(self.scaling.low), max(self.scaling.high)
        here = float(raw.max())
        fractions = raw.dtype.kind == "f" and 0 < here <= 1
        if (fractions and high >= 100) or here > 20 * max(high, 1):
            raise DataError(
                f"the network was trained on pixels from {low:g} to {high:g}, but these go up to {here:g}: "
                "scale them alike"
            )


class Category(Value):
    """A text column: one feature per value, in this order; any other text gives zeros in all of them."""

    name: str
    values: tuple[str, ...]

    @classmethod
    def fit(cls, name: str, texts: Array) -> "Category":
        """The distinct texts, sorted; of more than `CATEGORIES`, the most frequent that occur at least twice."""
        counts = Counter(texts.tolist())
        if len(counts) > CATEGORIES:
            often = sorted((-count, text) for text, count in counts.items() if count > 1)
            return cls(name=name, values=tuple(sorted(text for _, text in often[:CATEGORIES])))
        return cls(name=name, values=tuple(sorted(counts)))

    def apply(self, texts: Array) -> Array:
        """Texts [n] to float32 [n, values]."""
        place = {value: position for position, value in enumerate(self.values)}
        positions = np.array([place.get(text, -1) for text in texts.tolist()], dtype=np.int64)
        one_hot: Array = (positions[:, None] == np.arange(len(self.values))).astype(np.float32)
        return one_hot


class TabularInputs(Value):
    """Rows as float32 [n, features]: the numeric columns standardised, then each text column one-hot.

    `ignored`: columns of the training table that are no inputs (group, time, row numbers).
    """

    kind: Literal["tabular"] = "tabular"
    columns: tuple[str, ...]
    scaling: Scaling
    categories: tuple[Category, ...] = ()
    ignored: tuple[str, ...] = ()

    @classmethod
    def fit(cls, table: Table, ignored: tuple[str, ...] = ()) -> "TabularInputs":
        categories = tuple(Category.fit(name, table.texts[:, column]) for column, name in enumerate(table.text_names))
        scaling = Scaling.fit(table.numbers, axis=1)
        inputs = cls(columns=table.number_names, scaling=scaling, categories=categories, ignored=ignored)
        if not inputs.features:
            raise DataError("no column can serve as an input: every one is a text that hardly repeats")
        return inputs

    @property
    def features(self) -> tuple[str, ...]:
        """What the network's inputs are, in order: "age", "town=Oslo", ..."""
        one_hot = (f"{column.name}={value}" for column in self.categories for value in column.values)
        return (*self.columns, *one_hot)

    @property
    def spec(self) -> TensorSpec:
        return TensorSpec(shape=(len(self.features),))

    def apply(self, raw: Array | Table) -> Array:
        """A table, or an array [n, columns] where all columns are numeric. Raises DataError naming the difference."""
        if not isinstance(raw, Table):
            if raw.ndim != 2 or self.categories or raw.shape[1] != len(self.columns):
                raise DataError(f"the network reads the columns {listed(self._names())}, not {described(raw)}")
            raw = Table.of_numbers(raw, self.columns)
        numbers = _columns(raw.numbers, self._places(self.columns, raw.number_names))
        texts = raw.texts[:, self._places([column.name for column in self.categories], raw.text_names)]
        one_hot = [column.apply(texts[:, place]) for place, column in enumerate(self.categories)]
        scaled = self.scaling.apply(numbers, axis=1)
        return np.concatenate([scaled, *one_hot], axis=1) if one_hot else scaled

    def _places(self, wanted: "tuple[str, ...] | list[str]", present: tuple[str, ...]) -> list[int]:
        missing = [name for name in wanted if name not in present]
        if missing:
            raise DataError(
                f"the network needs the columns {listed(missing)}, which these data lack: "
                f"they have {listed(present) or 'none of that kind'}"
            )
        return [present.index(name) for name in wanted]

    def _names(self) -> tuple[str, ...]:
        return (*self.columns, *(column.name for column in self.categories))


class SequenceInputs(Value):
    """Series as float32 [n, time, features], each feature standardised over all times."""

    kind: Literal["sequence"] = "sequence"
    shape: tuple[int, int]
    scaling: Scaling

    @classmethod
    def fit(cls, x: Array) -> "SequenceInputs":
        return cls(shape=(x.shape[1], x.shape[2]), scaling=Scaling.fit(x, axis=2))

    @property
    def spec(self) -> TensorSpec:
        return TensorSpec(shape=self.shape)

    def apply(self, raw: Array | Table) -> Array:
        """Raises DataError where length or features are not those of training."""
        if isinstance(raw, Table) or raw.shape[1:] != self.shape:
            time, features = self.shape
            raise DataError(
                f"the network reads sequences of {time} steps with {features} features, but these are "
                f"{described(raw)}"
            )
        return self.scaling.apply(raw, axis=2)


class GraphInputs(Value):
    """Graphs as float32 [n, nodes, features + nodes]: each node's features, standardised over all nodes, then its row
    of the adjacency as it is."""

    kind: Literal["graph"] = "graph"
    nodes: int
    scaling: Scaling

    @classmethod
    def fit(cls, x: Array) -> "GraphInputs":
        nodes = x.shape[1]
        return cls(nodes=nodes, scaling=Scaling.fit(x[..., :-nodes], axis=2))

    @property
    def spec(self) -> TensorSpec:
        return TensorSpec(shape=(self.nodes, len(self.scaling.mean) + self.nodes))

    def apply(self, raw: Array | Table) -> Array:
        """Raises DataError where nodes or features are not those of training."""
        if isinstance(raw, Table) or raw.shape[1:] != self.spec.shape:
            raise DataError(
                f"the network reads graphs of {self.nodes} nodes with {len(self.scaling.mean)} features and their "
                f"adjacency, but these are {described(raw)}"
            )
        features = self.scaling.apply(raw[..., : -self.nodes], axis=2)
        return np.concatenate([features, raw[..., -self.nodes :].astype(np.float32)], axis=2)


class TextInputs(Value):
    """Characters as int64 [n, time]: id = place in `characters`, those of the training text in code-point order.

    A character that training never showed is read as the most frequent one, `stand_in`.
    """

    kind: Literal["text"] = "text"
    characters: str
    stand_in: int
    context: int = Field(ge=1)

    @classmethod
    def fit(cls, text: str, context: int) -> "TextInputs":
        points, counts = np.unique(_code_points(text), return_counts=True)
        characters = "".join(map(chr, points.tolist()))
        return cls(characters=characters, stand_in=int(counts.argmax()), context=context)

    @property
    def spec(self) -> TensorSpec:
        return TensorSpec(shape=(self.context,), dtype="int64", upper=len(self.characters))

    def ids(self, text: str) -> Array:
        """int64 [characters]."""
        known, points = _code_points(self.characters), _code_points(text)
        places = np.searchsorted(known, points).astype(np.int64)
        places[places == len(known)] = 0
        places[known[places] != points] = self.stand_in
        return places

    def unknown(self, text: str) -> int:
        """How many characters of `text` training never showed."""
        return int(np.isin(_code_points(text), _code_points(self.characters), invert=True).sum())

    def apply(self, raw: str) -> Array:
        """The text cut into windows of `context`, one after the other; what is left at the end is dropped.

        Raises DataError where the text is shorter than one window.
        """
        count = len(raw) // self.context
        if not count:
            raise DataError(f"the network reads {self.context} characters at a time, but the text has {len(raw)}")
        return self.ids(raw)[: count * self.context].reshape(count, self.context)

    def windows(self, text: str) -> tuple[Array, Array]:
        """Windows of a text longer than `context`, and the characters that follow each of theirs.

        Both int64 [n, context], sharing memory.
        """
        count = (len(text) - 1) // self.context
        ids, size = self.ids(text), count * self.context
        return ids[:size].reshape(count, self.context), ids[1 : size + 1].reshape(count, self.context)

    def text_of(self, ids: Array) -> str:
        return "".join(self.characters[place] for place in ids.tolist())


Inputs = Annotated[
    ImageInputs | TabularInputs | SequenceInputs | GraphInputs | TextInputs, Field(discriminator="kind")
]


def arranged(x: Array, layout: Layout, shape: tuple[int, int, int]) -> Array:
    """A view of raw images as [n, channels, height, width]."""
    return x.transpose(0, 3, 1, 2) if layout == "hwc" else x.reshape(len(x), *shape)


def described(raw: Array | Table) -> str:
    if isinstance(raw, Table):
        return f"rows of the columns {listed(raw.number_names + raw.text_names)}"
    return f"an array of {sized(raw.shape[1:]) or 'single numbers'} per example"


def _columns(numbers: Array, places: list[int]) -> Array:
    """Those of the table in this order; no copy where they are all of it."""
    return numbers if places == list(range(numbers.shape[1])) else numbers[:, places]


def _in_float64(x: Array) -> Iterator[Array]:
    return (x[rows].astype(np.float64) for rows in blocks(x))


def _along(values: Array, axis: int, dimensions: int) -> Array:
    shape = [1] * dimensions
    shape[axis] = -1
    return values.reshape(shape)


def _code_points(text: str) -> Array:
    return np.frombuffer(text.encode("utf-32-le"), dtype="<u4")
