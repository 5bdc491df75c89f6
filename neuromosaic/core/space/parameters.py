"""The parameters of a family's constructor, and how to draw and vary their values."""

import math
import random
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from neuromosaic.core.brief import Value

Scalar = bool | int | float | str


class IntParameter(Value):
    """Integers min, min+step, ... up to max, both included; drawn evenly in log space with `log`."""

    type: Literal["int"] = "int"
    min: int
    max: int
    step: int = Field(1, ge=1)
    log: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> "IntParameter":
        return _check_range(self)

    def sample(self, draw: random.Random) -> int:
        if not self.log:
            return self.min + self.step * draw.randint(0, (self.max - self.min) // self.step)
        return self._snap(math.exp(draw.uniform(math.log(self.min), math.log(self.max))))

    def mutate(self, value: Scalar, draw: random.Random) -> int:
        """A neighbour: up to a fifth of the range (or of the value's logarithm) away, never the same."""
        points = 1 + (self.max - self.min) // self.step
        if points == 1:
            return self.min
        here = (int(value) - self.min) // self.step
        reach = max(1, points // 5)
        there = here + draw.choice([-1, 1]) * draw.randint(1, reach)
        if not 0 <= there < points:
            there = here + 1 if here + 1 < points else here - 1
        return self.min + self.step * there

    def contains(self, value: object) -> bool:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole and self.min <= value <= self.max and (value - self.min) % self.step == 0  # type: ignore[operator]

    def _snap(self, number: float) -> int:
        steps = round((number - self.min) / self.step)
        return self.min + self.step * min(max(steps, 0), (self.max - self.min) // self.step)


class FloatParameter(Value):
    """Real numbers in [min, max]; drawn evenly in log space with `log`."""

    type: Literal["float"] = "float"
    min: float
    max: float
    log: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> "FloatParameter":
        return _check_range(self)

    def sample(self, draw: random.Random) -> float:
        low, high = self._axis(self.min), self._axis(self.max)
        return self._value(draw.uniform(low, high))

    def mutate(self, value: Scalar, draw: random.Random) -> float:
        low, high = self._axis(self.min), self._axis(self.max)
        moved = self._axis(float(value)) + draw.gauss(0, (high - low) / 5)
        return self._value(min(max(moved, low), high))

    def contains(self, value: object) -> bool:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and self.min <= value <= self.max

    def _axis(self, value: float) -> float:
        return math.log(value) if self.log else value

    def _value(self, position: float) -> float:
        value = math.exp(position) if self.log else position
        return min(max(value, self.min), self.max)


class CategoricalParameter(Value):
    """One of `values`."""

    type: Literal["categorical"] = "categorical"
    values: tuple[Scalar, ...] = Field(min_length=1)

    def sample(self, draw: random.Random) -> Scalar:
        return draw.choice(self.values)

    def mutate(self, value: Scalar, draw: random.Random) -> Scalar:
        others = [other for other in self.values if other != value]
        return draw.choice(others) if others else value

    def contains(self, value: object) -> bool:
        return any(type(value) is type(known) and value == known for known in self.values)


class BoolParameter(Value):
    type: Literal["bool"] = "bool"

    def sample(self, draw: random.Random) -> bool:
        return draw.random() < 0.5

    def mutate(self, value: Scalar, draw: random.Random) -> bool:
        return not value

    def contains(self, value: object) -> bool:
        return isinstance(value, bool)


Parameter = Annotated[
    IntParameter | FloatParameter | CategoricalParameter | BoolParameter, Field(discriminator="type")
]
Space = dict[str, Parameter]
Point = dict[str, Scalar]

_SPACE: TypeAdapter[Space] = TypeAdapter(Space)


def parse_space(document: Any) -> Space:
    """The space that a JSON document describes: `{"width": {"type": "int", "min": 8, "max": 64}, ...}`.

    Raises ValueError with the path of each fault ("width.min: ...").
    """
    try:
        return _SPACE.validate_python(document)
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, fault['loc'])) or 'space'}: {fault['msg']}" for fault in error.errors())
        raise ValueError("; ".join(faults)) from None


def sample_point(space: Space, draw: random.Random) -> Point:
    """One value for each parameter, drawn independently."""
    return {name: parameter.sample(draw) for name, parameter in space.items()}


def mutate_point(space: Space, point: Point, draw: random.Random) -> Point:
    """The point with one or two of its parameters moved."""
    if not space:
        return {}
    names = draw.sample(sorted(space), k=min(len(space), draw.choice([1, 1, 2])))
    return {**point, **{name: space[name].mutate(point[name], draw) for name in names}}


def cross_points(space: Space, one: Point, other: Point, draw: random.Random) -> Point:
    """Each value from either parent."""
    return {name: draw.choice([one[name], other[name]]) for name in space}


P = TypeVar("P", IntParameter, FloatParameter)


def _check_range(parameter: P) -> P:
    if parameter.min > parameter.max:
        raise ValueError(f"min {parameter.min} is above max {parameter.max}")
    if parameter.log and parameter.min <= 0:
        raise ValueError(f"a log scale needs min above 0, not {parameter.min}")
    return parameter
