"""What a registration must hold, tried on samples of its space."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np

from neuromosaic.core.errors import SpaceError
from neuromosaic.core.registration.evaluators import evaluator_faults
from neuromosaic.core.registration.travel import travel_faults
from neuromosaic.core.registration.types import Registration, as_point
from neuromosaic.core.space.parameters import FloatParameter, IntParameter, OrdinalParameter, Point, place

SAMPLES = 8
VECTORS = 4


class Fault(NamedTuple):
    """`where`: the class and method; `severity`: an "error" stops the registration, a "warning" is told."""

    where: str
    message: str
    severity: Literal["error", "warning"] = "error"


def faults_of(registration: Registration, samples: int = SAMPLES, seed: int = 0) -> Iterator[Fault]:
    """Every fault found on `samples` points of the space. Raises SpaceError where the space itself has none."""
    points = registration.search_space.sample_many(samples, seed)
    missing = [*_missing(registration)]
    yield from missing
    if missing:
        return
    broken = [*_architecture_faults(registration, points)]
    yield from broken
    if broken:
        return
    if registration.encoder_class is not None:
        yield from _first(_encoder_faults(registration, points))
    if registration.evaluator_class is not None:
        for where, message, severity in evaluator_faults(registration, points[0]):
            yield Fault(where, message, severity)
    for where, message in travel_faults(registration):
        yield Fault(where, message, "warning")


def _missing(registration: Registration) -> Iterator[Fault]:
    wanted = {
        "architecture_class": (registration.architecture_class, ("to_model", "to_dict", "from_dict")),
        "encoder_class": (registration.encoder_class, ("encode", "decode")),
        "evaluator_class": (registration.evaluator_class, ("evaluate",)),
    }
    for role, (kind, methods) in wanted.items():
        if kind is None and role != "architecture_class":
            continue
        if not isinstance(kind, type):
            yield Fault(role, f"give a class, not {kind!r}")
            continue
        for method in methods:
            if not callable(getattr(kind, method, None)):
                yield Fault(f"{role}.{method}", f"{kind.__name__} has no method {method}")
        abstract = sorted(getattr(kind, "__abstractmethods__", ()))
        if abstract:
            yield Fault(role, f"{kind.__name__} does not implement {', '.join(abstract)}")


def _architecture_faults(registration: Registration, points: list[Point]) -> Iterator[Fault]:
    """At most one: the others mostly follow from it."""
    for point in points:
        where = "architecture_class.from_dict"
        try:
            architecture = registration.architecture(point)
            where = "architecture_class.to_dict"
            config = architecture.to_dict()
            if not isinstance(config, Mapping):
                yield Fault(where, f"returned {type(config).__name__}, not a mapping, for {point}")
                return
            json.dumps(config, allow_nan=False)
            where = "architecture_class.from_dict"
            again = registration.architecture(config).to_dict()
        except Exception as error:  # noqa: BLE001  a user's own code may raise anything: it becomes a fault
            yield Fault(where, f"raised {type(error).__name__}: {error}, for {point}")
            return
        if again != config:
            yield Fault(where, f"loses something: from_dict({config}).to_dict() gave {again}")
            return


def _first(faults: Iterator[Fault]) -> Iterator[Fault]:
    """The first fault of each place: samples mostly fail alike."""
    seen: set[tuple[str, str]] = set()
    for fault in faults:
        if (fault.where, fault.severity) not in seen:
            seen.add((fault.where, fault.severity))
            yield fault


def _encoder_faults(registration: Registration, points: list[Point]) -> Iterator[Fault]:
    try:
        encoder = registration.encoder_class()  # type: ignore[misc]
    except Exception as error:  # noqa: BLE001  as above
        yield Fault("encoder_class", f"cannot be made without arguments: {type(error).__name__}: {error}")
        return
    lengths: set[int] = set()
    for point in points:
        architecture = registration.architecture(point)
        try:
            vector = np.asarray(encoder.encode(architecture), dtype=np.float64)
        except Exception as error:  # noqa: BLE001  as above
            yield Fault("encoder_class.encode", f"raised {type(error).__name__}: {error}, for {point}")
            return
        broken = _vector_fault(vector, lengths, point)
        if broken:
            yield broken
            if broken.severity == "error":
                return
        yield from _decode_faults(registration, encoder, architecture, np.clip(vector, 0.0, 1.0))
    for anywhere in np.random.default_rng(0).random((VECTORS, *vector.shape)):
        yield from _any_vector_faults(registration, encoder, anywhere)


def _vector_fault(vector: Any, lengths: set[int], point: Point) -> Fault | None:
    where = "encoder_class.encode"
    if vector.ndim != 1 or not vector.size:
        return Fault(where, f"returned an array of shape {list(vector.shape)}, not one row of numbers, for {point}")
    lengths.add(vector.size)
    if len(lengths) > 1:
        return Fault(where, f"returned vectors of different lengths: {sorted(lengths)}")
    if not np.isfinite(vector).all():
        return Fault(where, f"returned {vector[~np.isfinite(vector)][0]} for {point}")
    if ((vector < 0) | (vector > 1)).any():
        worst = float(vector[np.argmax(np.abs(vector - 0.5))])
        return Fault(where, f"returned {worst:g}, outside [0, 1], which is clipped, for {point}", "warning")
    return None


def _decode_faults(registration: Registration, encoder: Any, architecture: Any, vector: Any) -> Iterator[Fault]:
    where = "encoder_class.decode"
    given = as_point(architecture)
    try:
        again = as_point(encoder.decode(vector))
    except Exception as error:  # noqa: BLE001  as above
        yield Fault(where, f"raised {type(error).__name__}: {error}, on the vector of {given}")
        return
    if again == given:
        return
    lost = {
        name: (given.get(name), again.get(name)) for name in {*given, *again} if given.get(name) != again.get(name)
    }
    told = ", ".join(f"{name} {before!r} became {after!r}" for name, (before, after) in sorted(lost.items()))
    if all(_is_a_step(registration, name, *values) for name, values in lost.items()):
        yield Fault(where, f"loses a step by rounding: {told}", "warning")
    else:
        yield Fault(where, f"does not undo encode: {told}")


def _is_a_step(registration: Registration, name: str, before: Any, after: Any) -> bool:
    """Whether a number came back as a neighbour: one step, or a thousandth of a float's range."""
    parameter = registration.search_space.parameters.get(name)
    if isinstance(parameter, FloatParameter):
        close = isinstance(after, (int, float)) and abs(before - after) <= (parameter.max - parameter.min) / 1000
        return bool(close)
    if not isinstance(parameter, (IntParameter, OrdinalParameter)):
        return False
    try:
        return abs(place(parameter, before) - place(parameter, after)) <= 1
    except ValueError:
        return False


def _any_vector_faults(registration: Registration, encoder: Any, vector: Any) -> Iterator[Fault]:
    where = "encoder_class.decode"
    try:
        point = as_point(encoder.decode(vector))
        registration.architecture(point)
    except SpaceError:
        return  # it says clearly that it found no point
    except Exception as error:  # noqa: BLE001  as above
        shown = [round(float(value), 3) for value in vector]
        yield Fault(where, f"raised {type(error).__name__}: {error}, on a vector of [0, 1]^{len(vector)}: {shown}")
        return
    if point.keys() <= registration.search_space.parameters.keys() and not registration.search_space.contains(point):
        yield Fault(where, f"gave {point}, outside the search space; such vectors are passed over", "warning")
