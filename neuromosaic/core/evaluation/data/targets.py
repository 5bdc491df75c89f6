"""How labels become what a loss reads, and how outputs become the user's words and units again."""

import math
from typing import Annotated, Any, Final, Literal

import numpy as np
from pydantic import Field, StrictBool, StrictInt, StrictStr

from neuromosaic.core.brief import Generative, TensorSpec, Value
from neuromosaic.core.errors import DataError
from neuromosaic.core.evaluation.data.raw import Array, sober_numbers
from neuromosaic.core.evaluation.data.spelling import listed, sized
from neuromosaic.core.tasks import CALLED, IGNORED

EMBEDDING: Final = 16
"""Dimensions of an embedding that nobody has asked for."""
LARGEST_LATENT: Final = 16
"""Numbers of a code that nobody has asked for."""
LARGEST_FLOW: Final = 256
"""Values of an example whose likelihood is measured direction by direction."""
LARGEST_IN_TURN: Final = 1024
"""Values of an example that are drawn one after another, a pass for each."""


class ClassTargets(Value):
    """Class ids int64 [n]: id = place in `classes`, the labels as the data call them."""

    kind: Literal["classes"] = "classes"
    classes: tuple[StrictBool | StrictInt | StrictStr, ...]
    columns: tuple[str, ...] = ()

    @classmethod
    def fit(
        cls, labels: Array, names: tuple[str, ...] | None = None, columns: tuple[str, ...] = ()
    ) -> "ClassTargets":
        """The distinct labels [n], sorted, or `names` in their own order where labels are places in it."""
        return cls(classes=names or tuple(np.unique(labels).tolist()), columns=columns)

    @property
    def spec(self) -> TensorSpec:
        return TensorSpec(shape=(len(self.classes),))

    def encode(self, labels: Array) -> Array:
        """Labels [n] to ids; 3, 3.0 and "3" are the same label. Raises DataError for an unknown one."""
        place = {str(name): position for position, name in enumerate(self.classes)}
        values, inverse = np.unique(whole(labels), return_inverse=True)
        unknown = [value for value in values.tolist() if str(value) not in place]
        if unknown:
            raise DataError(
                f"the labels {listed(unknown)} are not among the classes that are known: {listed(self.classes)}"
            )
        ids = np.array([place[str(value)] for value in values.tolist()], dtype=np.int64)
        return ids[inverse]

    def labels(self, outputs: Array) -> list[Any]:
        """Scores [n, classes] to the name of the highest, [n]."""
        return [self.classes[place] for place in outputs.argmax(axis=-1).tolist()]


class EmbeddingTargets(Value):
    """Class ids int64 [n], as `ClassTargets`, for a network that embeds examples in `size` dimensions."""

    kind: Literal["embedding"] = "embedding"
    classes: tuple[StrictBool | StrictInt | StrictStr, ...]
    size: int = Field(ge=1)
    columns: tuple[str, ...] = ()

    @property
    def spec(self) -> TensorSpec:
        return TensorSpec(shape=(self.size,))

    @property
    def as_classes(self) -> ClassTargets:
        return ClassTargets(classes=self.classes, columns=self.columns)

    def encode(self, labels: Array) -> Array:
        """Raises DataError for an unknown class."""
        return self.as_classes.encode(labels)

    def labels(self, outputs: Array) -> list[Any]:
        """The embeddings, a list per example."""
        return list(outputs.tolist())


class PositionTargets(Value):
    """Class ids int64 [n, time] or [n, height, width]: id = place in `classes`, -100 where a position does not count.

    `shape`: the positions of one example.
    """

    kind: Literal["positions"] = "positions"
    classes: tuple[StrictBool | StrictInt | StrictStr, ...]
    shape: tuple[int, ...]
    columns: tuple[str, ...] = ()

    @classmethod
    def fit(cls, labels: Array, shape: tuple[int, ...], columns: tuple[str, ...] = ()) -> "PositionTargets":
        """The distinct labels that count, sorted."""
        known = ClassTargets.fit(_counted(whole(labels)))
        return cls(classes=known.classes, shape=shape, columns=columns)

    @property
    def spec(self) -> TensorSpec:
        """Classes are the last axis of a sequence's scores, the first of an image's."""
        size = len(self.classes)
        return TensorSpec(shape=(*self.shape, size) if len(self.shape) == 1 else (size, *self.shape))

    def encode(self, labels: Array) -> Array:
        """Raises DataError for an unknown class, and for labels of other positions than those of training."""
        if labels.shape[1:] != self.shape:
            raise DataError(
                f"the inputs have {sized(self.shape)} positions, but y has {sized(labels.shape[1:])}: they must match"
            )
        values = whole(labels)
        ids = np.full(values.shape, IGNORED, dtype=np.int64)
        counted = np.ones(values.shape, bool) if values.dtype.kind == "U" else values != IGNORED
        ids[counted] = ClassTargets(classes=self.classes).encode(values[counted])
        return ids

    def labels(self, outputs: Array) -> list[Any]:
        """Scores to the name of the highest at each position, as nested lists."""
        places = outputs.argmax(axis=-1 if len(self.shape) == 1 else 1)
        names = np.empty(len(self.classes), dtype=object)
        names[:] = self.classes
        return list(names[places].tolist())


class LabelTargets(Value):
    """Labels float32 [n, labels], 1 where a label applies; `names` in the order of the columns."""

    kind: Literal["labels"] = "labels"
    names: tuple[str, ...]
    columns: tuple[str, ...] = ()

    @classmethod
    def fit(cls, labels: Array, columns: tuple[str, ...] = ()) -> "LabelTargets":
        """Of 0 and 1 [n] or [n, labels]; labels without names of their own are called "label 0", "label 1", ..."""
        count = _two_dimensional(labels).shape[1]
        names = columns if len(columns) == count else tuple(f"label {place}" for place in range(count))
        return cls(names=names, columns=columns)

    @property
    def spec(self) -> TensorSpec:
        return TensorSpec(shape=(len(self.names),))

    def encode(self, labels: Array) -> Array:
        """0 and 1, or booleans, [n] or [n, labels]."""
        values = _two_dimensional(labels)
        if values.shape[1] != len(self.names):
            raise DataError(f"the network gives {len(self.names)} labels per example, but y has {values.shape[1]}")
        return np.ascontiguousarray(values, dtype=np.float32)

    def labels(self, outputs: Array) -> list[Any]:
        """Scores [n, labels] to the names of those above 0, a list per example."""
        return [[self.names[place] for place in np.flatnonzero(row > 0)] for row in outputs]


class NumberTargets(Value):
    """Targets float32 [n, targets], standardised with the training split's mean and std."""

    kind: Literal["numbers"] = "numbers"
    mean: tuple[float, ...]
    std: tuple[float, ...]
    columns: tuple[str, ...] = ()

    @classmethod
    @sober_numbers("the targets")
    def fit(cls, targets: Array, columns: tuple[str, ...] = ()) -> "NumberTargets":
        values = _two_dimensional(targets).astype(np.float64)
        mean, std = values.mean(axis=0), values.std(axis=0)
        std = np.where(std > 1e-12 * np.abs(mean), std, 1.0)
        return cls(mean=tuple(mean.tolist()), std=tuple(std.tolist()), columns=columns)

    @property
    def spec(self) -> TensorSpec:
        return TensorSpec(shape=(len(self.mean),))

    @sober_numbers("the targets")
    def encode(self, targets: Array) -> Array:
        """Targets [n] or [n, targets] to standardised float32 [n, targets]."""
        values = _two_dimensional(targets)
        if values.shape[1] != len(self.mean):
            raise DataError(f"the network gives {len(self.mean)} numbers per example, but y has {values.shape[1]}")
        scaled: Array = ((values - np.array(self.mean)) / np.array(self.std)).astype(np.float32)
        return scaled

    def unscale(self, targets: Array) -> Array:
        """Scaled values [n, targets] to float64 in the user's units."""
        unscaled: Array = targets.astype(np.float64) * np.array(self.std) + np.array(self.mean)
        return unscaled

    def labels(self, outputs: Array) -> list[Any]:
        """Outputs [n, targets] in the user's units: one number per example, or a list where there are several."""
        values = self.unscale(outputs)
        return list(values[:, 0].tolist() if values.shape[1] == 1 else values.tolist())


class SeriesTargets(Value):
    """The next values of one series, float32 [n, horizon], standardised with the mean and std of its training part.

    `naive_error`: the mean distance between one training value and the next, in the user's units: what the error is
    measured in by MASE (Hyndman & Koehler, 2006). `others`: the features beside the series; `time`: the column that
    orders the rows, where there is one.
    """

    kind: Literal["series"] = "series"
    mean: float
    std: float
    horizon: int
    naive_error: float
    columns: tuple[str, ...]
    others: tuple[str, ...] = ()
    time: str | None = None

    @property
    def spec(self) -> TensorSpec:
        return TensorSpec(shape=(self.horizon,))

    @sober_numbers("the targets")
    def encode(self, targets: Array) -> Array:
        """Values [n, horizon] to standardised float32 of the same shape."""
        return np.asarray((targets - self.mean) / self.std, dtype=np.float32)

    def unscale(self, targets: Array) -> Array:
        """Scaled values [n, horizon] to float64 in the user's units."""
        return np.asarray(targets.astype(np.float64) * self.std + self.mean)

    def labels(self, outputs: Array) -> list[Any]:
        """The forecast values in the user's units, a list per example."""
        return list(self.unscale(outputs).tolist())


class ItselfTargets(Value):
    """A generative network's targets: the standardised examples themselves, of `shape`, float32 [n, *shape].

    `latent`: the numbers of a code, of an autoencoder fewer than those of an example, of a gan no more; None where it
    has no codes.
    """

    kind: Literal["itself"] = "itself"
    shape: tuple[int, ...]
    latent: int | None = Field(None, ge=1)
    generative: Generative = "autoencoder"
    columns: tuple[str, ...] = ()

    @classmethod
    def fit(
        cls, inputs: TensorSpec, latent: int | None, name: str, generative: Generative | None = None
    ) -> "ItselfTargets":
        """Without a `latent` an autoencoder's codes are an eighth of an example, from 2 up to 16, a gan's as large as
        an example, up to 16.

        Raises DataError where a code is too large for an example, or an example for a flow.
        """
        size = math.prod(inputs.shape)
        if generative in ("flow", "diffusion", "autoregressive"):
            return cls(shape=inputs.shape, latent=_whole_code(size, latent, name, generative), generative=generative)
        if generative == "gan":
            return cls(shape=inputs.shape, latent=_seed(size, latent, name), generative=generative)
        wanted = latent or min(LARGEST_LATENT, max(2, size // 8), size - 1)
        if not 0 < wanted < size:
            raise DataError(
                f"a code of {wanted} numbers for examples of {size}, such as those of {name}, compresses nothing: "
                "ask for a smaller latent, or give examples of more values"
            )
        return cls(shape=inputs.shape, latent=wanted)

    @property
    def spec(self) -> TensorSpec:
        return TensorSpec(shape=self.shape)

    def encode(self, labels: Array) -> Array:
        """Labels are no part of it: raises DataError."""
        raise DataError("a generative network learns the examples themselves, not labels")

    def labels(self, outputs: Array) -> list[Any]:
        """Outputs [n, *shape] as nested lists."""
        return list(outputs.tolist())


def _whole_code(size: int, latent: int | None, name: str, generative: Generative) -> int | None:
    """Of a flow as large as an example; a diffusion and an autoregressive network have none."""
    if latent is not None and (generative != "flow" or latent != size):
        kept = f"has codes of {size} numbers, as its examples" if generative == "flow" else "has no codes"
        raise DataError(
            f"{CALLED[generative]} of {name} {kept}: leave out the latent of {latent}, or take an autoencoder"
        )
    if generative == "autoregressive" and not 1 < size <= LARGEST_IN_TURN:
        raise DataError(
            f"the examples of {name} have {size} values, and an autoregressive network draws 2 to {LARGEST_IN_TURN} "
            "one after another: ask for a diffusion model or an autoencoder"
        )
    if generative == "flow" and not 1 < size <= LARGEST_FLOW:
        raise DataError(
            f"the examples of {name} have {size} values, a flow's likelihood is measured for 2 to {LARGEST_FLOW}: "
            "ask for a diffusion model or an autoencoder"
        )
    return size if generative == "flow" else None


def _seed(size: int, latent: int | None, name: str) -> int:
    """Of a gan: what its draws are made of."""
    if latent is not None and latent > size:
        raise DataError(
            f"a code of {latent} numbers for examples of {size}, such as those of {name}: a gan makes examples of "
            f"codes that are no larger, ask for a latent of at most {size}"
        )
    return latent or min(LARGEST_LATENT, size)


Targets = Annotated[
    ClassTargets | EmbeddingTargets | PositionTargets | LabelTargets | NumberTargets | SeriesTargets | ItselfTargets,
    Field(discriminator="kind"),
]


def whole(labels: Array) -> Array:
    """Whole numbers stored as floats, as integers; anything else as it is."""
    return labels.astype(np.int64) if labels.dtype.kind == "f" and is_whole(labels) else labels


def _counted(labels: Array) -> Array:
    return labels.ravel() if labels.dtype.kind == "U" else labels[labels != IGNORED]


def is_whole(labels: Array) -> bool:
    return bool(np.all(np.isfinite(labels)) and np.all(np.abs(labels) < 2**53) and np.all(labels == np.floor(labels)))


def _two_dimensional(targets: Array) -> Array:
    return targets[:, None] if targets.ndim == 1 else targets
