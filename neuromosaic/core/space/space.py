"""A search space: named parameters, conditions among them, and constraints on their points."""

import hashlib
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Self

from neuromosaic.core.errors import SpaceError
from neuromosaic.core.space.constraints import FunctionConstraint, read_constraints
from neuromosaic.core.space.enumerating import enumerated
from neuromosaic.core.space.moving import single_changes, single_steps
from neuromosaic.core.space.parameters import (
    FloatParameter,
    Parameter,
    Point,
    Scalar,
    cross_points,
    is_active,
    mutate_point,
)
from neuromosaic.core.space.reading import read_parameters
from neuromosaic.core.spelling import suggest

if TYPE_CHECKING:
    from neuromosaic.core.space.sampling import Sampler

Measures = Callable[[Sequence[Point]], Sequence[Mapping[str, float]]]
TRIES = 50  # moves that are drawn before all neighbours are looked at


class SearchSpace:
    """Named parameters; every point of the space is a flat mapping of their names to scalars.

    `parameters`: {"width": {"type": "int", "min": 8, "max": 512}, ...}, of type int (min, max, step, log), float
    (min, max, log), categorical (values), ordinal (values in order) or bool; `when` {"other": value or values}
    makes one conditional: it is in a point only where the other is and has one of those values. `constraints`:
    functions of a point, or the same as text ("depth * width < 10_000"), which can be counted, travels and may come
    from a file; one that reads a parameter which is not active does not apply. `build` makes the architecture that
    a point means; `canonical` maps points that mean the same to one of them. `measures` gives, for a list of points,
    as many mappings of names to figures that are cheap to know before anything is trained, such as the logarithm of
    the number of parameters (left out, or NaN, where one is not known): strategies with a surrogate learn what they
    tell (docs/search.md).

    >>> space = SearchSpace({"depth": {"type": "int", "min": 1, "max": 4},
    ...                      "width": {"type": "int", "min": 8, "max": 32, "step": 8}}, ["depth * width <= 64"])
    >>> space.size()
    12
    >>> space.contains({"depth": 4, "width": 32})
    False

    Raises SpaceError naming the path of what is wrong.
    """

    def __init__(
        self,
        parameters: Mapping[str, Parameter | Mapping[str, Any]],
        constraints: Sequence[str | Callable[[Point], Any]] = (),
        *,
        name: str = "",
        build: Callable[[Point], Any] | None = None,
        canonical: Callable[[Point], Point] | None = None,
        measures: Measures | None = None,
    ) -> None:
        self.parameters: Mapping[str, Parameter] = read_parameters(parameters)
        self.constraints = tuple(read_constraints(constraints, dict(self.parameters)))
        self.name = name
        self._space = dict(self.parameters)
        self._build, self._canonical = build, canonical
        self.measures = measures

    def __repr__(self) -> str:
        return f"SearchSpace({self.name or ', '.join(self.parameters)!r}, {len(self.constraints)} constraints)"

    @cached_property
    def _sampler(self) -> "Sampler":
        from neuromosaic.core.space.sampling import Sampler  # numpy, on first use

        return Sampler(self._space, self.constraints)

    # ------------------------------------------------------------ what is in it

    def sample(self, draw: random.Random) -> Point:
        """One valid point, drawn evenly: see `sample_many`."""
        return self.sample_many(1, draw.getrandbits(63))[0]

    def sample_many(self, count: int, seed: int) -> list[Point]:
        """`count` valid points, independent and even under the constraints; the same for the same seed.

        Even: each point is equally likely (with `log` even in log space, a float counting as one value). Raises
        SpaceError where there is no valid point, or where valid ones are too rare to be drawn: then it says how rare.
        """
        import numpy as np

        if count < 0:
            raise SpaceError(f"sample_many: {count} points cannot be drawn")
        return self._sampler.draw(count, np.random.default_rng(seed))

    def contains(self, point: Mapping[str, Any]) -> bool:
        """Whether the point has exactly the active parameters, within range, and meets the constraints."""
        return not any(self._faults(point)) and all(one.holds(point) for one in self.constraints)

    def check(self, point: Mapping[str, Any]) -> None:
        """Raises SpaceError naming each fault of a point that is not in the space."""
        faults = list(self._faults(point))
        if not faults:
            faults = [f"{one.path}: {one.text} is not met" for one in self.constraints if not one.holds(point)]
        if faults:
            raise SpaceError("; ".join(faults))

    def _faults(self, point: Mapping[str, Any]) -> Iterator[str]:
        if not isinstance(point, Mapping):
            yield f"point: give a mapping of names to values, not {type(point).__name__}"
            return
        for name in point:
            if name not in self.parameters:
                yield f"point.{name}: unknown parameter{suggest(str(name), self.parameters)}"
        for name, parameter in self.parameters.items():
            active = is_active(parameter, point)
            if name not in point and active:
                yield f"point.{name}: missing"
            elif name in point and not active:
                yield f"point.{name}: not active here, since {_conditions(parameter)} does not hold"
            elif name in point and not parameter.contains(point[name]):
                yield f"point.{name}: {point[name]!r} is outside {parameter.model_dump_json()}"

    def active(self, point: Mapping[str, Scalar]) -> tuple[str, ...]:
        """The parameters whose conditions hold, in order: a point has exactly these keys."""
        return tuple(name for name, parameter in self.parameters.items() if is_active(parameter, point))

    def size(self) -> int | None:
        """The exact number of valid points; None where it is endless (floats), or hidden behind functions.

        Constraints as text are counted by elimination, of any size of space, while they join few parameters at a
        time (tables of up to a million combinations); spaces of up to 100,000 points are listed, whatever the
        constraints.
        """
        if self._sampler.is_endless:
            return None
        if self._sampler.is_exact:
            return self._sampler.count
        listed = self._sampler.listed
        return None if listed is None else len(listed)

    def enumerate(self) -> Iterator[Point]:
        """Every valid point, in the order of the values. Raises SpaceError for a space with floats."""
        return enumerated(self._space, self.constraints)

    # ------------------------------------------------------------ moves, which stay inside

    def neighbours(self, point: Point) -> Iterator[Point]:
        """All valid points one step of one parameter away.

        A step: the next whole number, the next in an order, any other choice, 5% of a number's range. What a step
        brings in by a condition has its first choice, or its middle value. Raises SpaceError for a point outside.
        """
        self.check(point)
        return (other for other in single_steps(self._space, point) if self._meets(other))

    def mutate(self, point: Point, draw: random.Random) -> Point:
        """Another valid point with one or two parameters moved; further away only where there is none so near.

        Raises SpaceError for a point outside, and where the space holds no other.
        """
        self.check(point)
        for _ in range(TRIES):
            moved = mutate_point(self._space, point, draw)
            if moved != point and self._meets(moved):
                return moved
        near = list(self.neighbours(point)) or [p for p in self._changed(point) if self._meets(p)]
        return draw.choice(near) if near else self._elsewhere(point, draw)

    def _changed(self, point: Point) -> Iterator[Point]:
        few = all(isinstance(p, FloatParameter) or len(_values(p)) <= 1000 for p in self.parameters.values())
        return single_changes(self._space, point) if few else iter(())

    def _elsewhere(self, point: Point, draw: random.Random) -> Point:
        others = [other for other in self.sample_many(64, draw.getrandbits(63)) if other != point]
        if not others:
            raise SpaceError("mutate: no other point of the space was found")
        return min(others, key=lambda other: len(other.items() ^ point.items()))

    def cross(self, one: Point, other: Point, draw: random.Random) -> Point:
        """A valid point that takes each value from either parent; where constraints keep that from happening, the
        first parent with as many of the other's values, in random order, as stay valid.

        Raises SpaceError for a parent outside the space.
        """
        self.check(one)
        self.check(other)
        for _ in range(TRIES):
            mixed = cross_points(self._space, one, other, draw)
            if self._meets(mixed):
                return mixed
        return self._towards(one, other, draw)

    def _towards(self, one: Point, other: Point, draw: random.Random) -> Point:
        common = [name for name in one if name in other]
        for name in draw.sample(common, k=len(common) // 2):
            moved = {**one, name: other[name]}
            if self.contains(moved):
                one = moved
        return one

    def _meets(self, point: Point) -> bool:
        return all(one.holds(point) for one in self.constraints)

    # ------------------------------------------------------------ what a point means

    def canonical(self, point: Point) -> Point:
        """The one form of all points that mean the same; the point itself where the space knows of none."""
        return self._canonical(point) if self._canonical else point

    def key(self, point: Point) -> str:
        """A hash of the canonical form: 32 hexadecimal digits, equal across processes."""
        return hashlib.blake2b(self.form(point).encode(), digest_size=16).hexdigest()

    def form(self, point: Point) -> str:
        """The canonical form as text: equal exactly for points that mean the same."""
        form = self.canonical(point)
        values = {
            name: float(value) if isinstance(self.parameters.get(name), FloatParameter) else value
            for name, value in form.items()
        }
        return json.dumps(values, sort_keys=True, separators=(",", ":"))

    def with_build(
        self, build: Callable[[Point], Any], constraints: Sequence[str | Callable[[Point], Any]] = ()
    ) -> "SearchSpace":
        """The same space, its points meaning what `build` makes of them, under more `constraints`; without
        `measures`, which were of what they meant before."""
        return SearchSpace(
            self.parameters, [*self._given(), *constraints], name=self.name, build=build, canonical=self._canonical
        )

    def joined(
        self, more: Mapping[str, Any], build: Callable[[Point], Any], canonical: Callable[[Point], Point]
    ) -> "SearchSpace":
        """The space with `more` parameters beside its own, under its constraints."""
        return SearchSpace(
            {**self.parameters, **more}, self._given(), name=self.name, build=build, canonical=canonical,
            measures=self.measures and partial(_of_own, self.measures, tuple(self.parameters)),
        )  # fmt: skip

    def _given(self) -> list[str | Callable[[Point], Any]]:
        return [one.function if isinstance(one, FunctionConstraint) else one.text for one in self.constraints]

    def architecture(self, point: Point) -> Any:
        """What `build` makes of the point; the point itself without one."""
        return self._build(point) if self._build else point

    # ------------------------------------------------------------ as data

    def to_dict(self) -> dict[str, Any]:
        """The space as JSON data. Functions cannot be written: `opaque` names those that are left out."""
        document: dict[str, Any] = {
            "parameters": {name: parameter.model_dump(mode="json") for name, parameter in self.parameters.items()},
            "constraints": [one.text for one in self.constraints if not isinstance(one, FunctionConstraint)],
        }
        opaque = [f"{one.path}: {one.text}" for one in self.constraints if isinstance(one, FunctionConstraint)]
        named = {"name": self.name} if self.name else {}
        return {**named, **document, **({"opaque": opaque} if opaque else {})}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """The space that `to_dict` wrote.

        Raises SpaceError for unknown keys, and where functions were left out when it was written.
        """
        known = {"name", "parameters", "constraints", "opaque"}
        if not isinstance(document, Mapping) or "parameters" not in document:
            raise SpaceError('space: give {"parameters": {...}, "constraints": [...]}')
        for key in document:
            if key not in known:
                raise SpaceError(f"{key}: unknown key{suggest(str(key), known)}")
        if document.get("opaque"):
            raise SpaceError(f"{document['opaque'][0]} is a function and was not written; write it as text")
        return cls(document["parameters"], document.get("constraints", ()), name=document.get("name", ""))


def _of_own(measures: Measures, names: Sequence[str], points: Sequence[Point]) -> Sequence[Mapping[str, float]]:
    """What is measured of the part of each point that has these parameters."""
    return measures([{name: point[name] for name in names if name in point} for point in points])


def _conditions(parameter: Parameter) -> str:
    return " and ".join(f"{name} in {list(values)}" for name, values in parameter.conditions())


def _values(parameter: Parameter) -> Sequence[Scalar]:
    from neuromosaic.core.space.parameters import choices

    return choices(parameter)
