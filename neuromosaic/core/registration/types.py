"""What a registration holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import Field, ValidationError

from neuromosaic.core.brief import Value
from neuromosaic.core.errors import SpaceError
from neuromosaic.core.space.encoders import BaseEncoder, PointEncoder
from neuromosaic.core.space.encoders.base import Vector, checked
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.space import SearchSpace
from neuromosaic.core.spelling import suggest


class RegistrationWarning(UserWarning):
    """Something in a registration that works, but not as well as it could."""


class Options(Value):
    """How a search uses the type.

    `cache_evaluations`: never evaluate the same architecture twice. `parallel_evaluation`: evaluate in workers where
    the search has any. `max_retries`: how often a failed evaluation is tried again.
    """

    cache_evaluations: bool = True
    parallel_evaluation: bool = True
    max_retries: int = Field(3, ge=0, le=100)


@dataclass(frozen=True)
class Registration:
    """One architecture type: its classes, its space, and how a search uses them."""

    name: str
    architecture_class: type
    encoder_class: type | None
    evaluator_class: type | None
    search_space: SearchSpace
    options: Options

    def architecture(self, point: Mapping[str, Any]) -> Any:
        """What a point of the space means: `architecture_class.from_dict(point)`."""
        return self.architecture_class.from_dict(dict(point))  # type: ignore[attr-defined]

    def encoder(self) -> BaseEncoder:
        """The type's encoder, made without arguments, else the space's own, between architectures and vectors."""
        if self.encoder_class is not None:
            return OwnEncoder(self.encoder_class())
        return DefaultEncoder(self)

    def evaluator(self) -> Any:
        """A new evaluator, made without arguments. Raises SpaceError where the type has none."""
        if self.evaluator_class is None:
            raise SpaceError(f"{self.name}: no evaluator_class was registered")
        return self.evaluator_class()


class OwnEncoder(BaseEncoder):
    """A user's encoder, with what it hands out clipped to [0, 1] and what it is given checked for NaN."""

    def __init__(self, encoder: Any) -> None:
        self._encoder = encoder

    def encode(self, architecture: Any) -> Vector:
        """float64 [d]. Raises SpaceError for NaN, or where it is no vector."""
        given = np.asarray(self._encoder.encode(architecture), dtype=np.float64)
        return checked(given, given.size)

    def decode(self, vector: Vector) -> Any:
        return self._encoder.decode(checked(vector, np.size(vector)))


class DefaultEncoder(BaseEncoder):
    """The encoder of the type's space, around `to_dict` and `from_dict`."""

    def __init__(self, registration: Registration) -> None:
        self._registration = registration
        self._points = PointEncoder(registration.search_space)

    def encode(self, architecture: Any) -> Vector:
        """float64 [d]. Raises SpaceError where `to_dict()` gives no point of the space."""
        return self._points.encode(architecture.to_dict())

    def decode(self, vector: Vector) -> Any:
        return self._registration.architecture(self._points.decode(vector))


def read_options(given: Mapping[str, Any] | None) -> Options:
    """Options from a mapping. Raises SpaceError naming unknown keys and wrong types."""
    if given is not None and not isinstance(given, Mapping):
        raise SpaceError(f"options: give a mapping, not {type(given).__name__}")
    for key in given or {}:
        if key not in Options.model_fields:
            raise SpaceError(f"options.{key}: unknown key{suggest(str(key), Options.model_fields)}")
    try:
        return Options.model_validate(dict(given or {}), strict=True)
    except ValidationError as error:
        faults: Sequence[str] = [f"options.{fault['loc'][0]}: {fault['msg']}" for fault in error.errors()]
        raise SpaceError("; ".join(faults)) from None


def as_point(architecture: Any) -> Point:
    """The data of an architecture, whether it came as an architecture or as its data."""
    return dict(architecture if isinstance(architecture, Mapping) else architecture.to_dict())
