"""The parameters of a family's constructor, and how to draw and vary their values."""

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from neuromosaic.core.brief import Value

Scalar = bool | int | float | str
When = dict[str, Scalar | tuple[Scalar, ...]]


class Conditional(Value):
    """What every parameter may carry: `when` {"other": value or values}, the choices of others that bring it in.

    A parameter is in a point exactly where each of the named others is, and has one of those values.
    """

    when: When | None = Field(None, exclude_if=lambda when: when is None)

    def conditions(self) -> Iterator[tuple[str, tuple[Scalar, ...]]]:
        """The other parameters, each with the values that bring this one in."""
        for name, values in (self.when or {}).items():
            yield name, values if isinstance(values, tuple) else (values,)


class IntParameter(Conditional):
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
        return self.rounded(math.exp(draw.uniform(math.log(self.min), math.log(self.max))))

    def mutate(self, value: Scalar, draw: random.Random) -> int:
        """A neighbour: up to a fifth of the range (with `log`, of that of the logarithm) away, never the same."""
        points = 1 + (self.max - self.min) // self.step
        if points == 1:
            return self.min
        here = (int(value) - self.min) // self.step
        there = here + draw.choice([-1, 1]) * self._stride(here, points, draw)
        if not 0 <= there < points:
            there = here + 1 if here + 1 < points else here - 1
        return self.min + self.step * there

    def _stride(self, here: int, points: int, draw: random.Random) -> int:
        if not self.log:
            return draw.randint(1, max(1, points // 5))
        ratio = math.pow(self.max / self.min, draw.random() / 5)
        return max(1, round((self.min + self.step * here) * (ratio - 1) / self.step))

    def contains(self, value: object) -> bool:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole and self.min <= value <= self.max and (value - self.min) % self.step == 0  # type: ignore[operator]

    def rounded(self, number: float) -> int:
        """The nearest of its values."""
        steps = round((number - self.min) / self.step)
        return self.min + self.step * min(max(steps, 0), (self.max - self.min) // self.step)


class FloatParameter(Conditional):
    """Real numbers in [min, max]; drawn evenly in log space with `log`.

    What is drawn is rounded to a ten-billionth of the range (with `log`: to 11 significant digits), so that values
    read well and survive being encoded and decoded to the last digit.
    """

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
        return self.rounded(math.exp(position) if self.log else position)

    def rounded(self, value: float) -> float:
        """The value at the parameter's resolution, inside its range."""
        if self.log or self.max == self.min:
            value = float(f"{value:.11g}")
        else:
            value = round(value, 10 - math.floor(math.log10(self.max - self.min)))
        return min(max(value, float(self.min)), float(self.max))


class CategoricalParameter(Conditional):
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


class OrdinalParameter(CategoricalParameter):
    """One of `values`, which stand in an order: neighbours are like each other."""

    type: Literal["ordinal"] = "ordinal"  # type: ignore[assignment]

    def mutate(self, value: Scalar, draw: random.Random) -> Scalar:
        """A neighbour: up to a fifth of the values away, never the same where there is another."""
        places = IntParameter(min=0, max=len(self.values) - 1)
        return self.values[places.mutate(place(self, value), draw)]


class BoolParameter(Conditional):
    type: Literal["bool"] = "bool"

    def sample(self, draw: random.Random) -> bool:
        return draw.random() < 0.5

    def mutate(self, value: Scalar, draw: random.Random) -> bool:
        return not value

    def contains(self, value: object) -> bool:
        return isinstance(value, bool)


Parameter = Annotated[
    IntParameter | FloatParameter | CategoricalParameter | OrdinalParameter | BoolParameter,
    Field(discriminator="type"),
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


def same(one: object, other: object) -> bool:
    """Equal values of one type: 1, 1.0 and True are three choices."""
    return type(one) is type(other) and one == other


def place(parameter: "Parameter", value: object) -> int:
    """The number of a value among those of a discrete parameter, from 0.

    Raises ValueError where it is none of them.
    """
    if isinstance(parameter, IntParameter):
        if parameter.contains(value):
            return (value - parameter.min) // parameter.step  # type: ignore[operator]
    else:
        for number, known in enumerate(choices(parameter)):
            if same(known, value):
                return number
    raise ValueError(f"{value!r} is none of its values")


def choices(parameter: "Parameter") -> Sequence[Scalar]:
    """The values of a discrete parameter, in order. Raises ValueError for a float, whose values are endless."""
    if isinstance(parameter, IntParameter):
        return range(parameter.min, parameter.max + 1, parameter.step)
    if isinstance(parameter, BoolParameter):
        return (False, True)
    if isinstance(parameter, FloatParameter):
        raise ValueError("a float has endlessly many values")
    return parameter.values


def is_active(parameter: "Parameter", point: Mapping[str, Scalar]) -> bool:
    """Whether what `point` already holds brings the parameter in."""
    return all(
        name in point and any(same(point[name], value) for value in values) for name, values in parameter.conditions()
    )


def parents_first(space: Space) -> list[str]:
    """The names, each after those that its condition is about, else as given.

    Raises ValueError where conditions run in a circle.
    """
    order: list[str] = []
    while len(order) < len(space):
        ready = [
            name
            for name, parameter in space.items()
            if name not in order and all(other in order for other, _ in parameter.conditions() if other in space)
        ]
        if not ready:
            circle = [name for name in space if name not in order]
            raise ValueError(f"{circle[0]}.when: the conditions of {', '.join(circle)} run in a circle")
        order += ready
    return order


def mutate_point(space: Space, point: Point, draw: random.Random) -> Point:
    """The point with one or two of its parameters moved."""
    if not point:
        return {}
    names = draw.sample(sorted(point), k=min(len(point), draw.choice([1, 1, 2])))
    moved = {**point, **{name: space[name].mutate(point[name], draw) for name in names}}
    return settled(space, moved, lambda parameter: parameter.sample(draw))


def cross_points(space: Space, one: Point, other: Point, draw: random.Random) -> Point:
    """Each value from either parent."""
    parents = [{**other, **one}, {**one, **other}]
    mixed = {name: draw.choice(parents)[name] for name in space if name in parents[0]}
    return settled(space, mixed, lambda parameter: parameter.sample(draw))


def settled(space: Space, point: Mapping[str, Scalar], fill: Callable[["Parameter"], Scalar]) -> Point:
    """The point after a change: what its conditions rule out is dropped, what they bring in is filled."""
    if not any(parameter.when for parameter in space.values()):
        return dict(point)
    kept: Point = {}
    for name in parents_first(space):
        if is_active(space[name], kept):
            kept[name] = point[name] if name in point else fill(space[name])
    return {name: kept[name] for name in space if name in kept}


P = TypeVar("P", IntParameter, FloatParameter)


def _check_range(parameter: P) -> P:
    if parameter.min > parameter.max:
        raise ValueError(f"min {parameter.min} is above max {parameter.max}")
    if parameter.log and parameter.min <= 0:
        raise ValueError(f"a log scale needs min above 0, not {parameter.min}")
    return parameter
