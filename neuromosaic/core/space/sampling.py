"""Points drawn evenly from a space, under its conditions and constraints, many at a time.

Even means: every point of a space of choices and whole numbers is equally likely, also where conditions bring
parameters in; with `log`, values are even in log space; a float counts as one value, drawn evenly from its range.
What elimination can hold is drawn without a try too many. All other constraints (functions, floats, those over too
many combinations) accept or refuse what is drawn so, which keeps it even, within a bounded number of tries.
"""

import math
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np

from neuromosaic.core.errors import SpaceError
from neuromosaic.core.space.columns import meets
from neuromosaic.core.space.constraints import Constraint, FunctionConstraint, TextConstraint
from neuromosaic.core.space.domains import Batch, Column, Mask, Numbers, column_of, drawn, size_of, weights_of
from neuromosaic.core.space.elimination import ROWS, Elimination, Plan, Relation, Variable, plan
from neuromosaic.core.space.enumerating import enumerated
from neuromosaic.core.space.parameters import FloatParameter, Point, Space, choices, place

LISTED = 100_000
LISTED_FIRST = 5_000  # up to here a list is quicker than tries
TRIES = 100_000  # without a valid point among them, drawing gives up
PARENT_VALUES = 10_000


class Sampler:
    """Draws from `space` what meets `constraints`. Prepared when first used: some milliseconds."""

    def __init__(self, space: Space, constraints: Sequence[Constraint]) -> None:
        self._space, self._constraints = space, constraints
        self._texts = [one for one in constraints if isinstance(one, TextConstraint)]
        self._functions = [one for one in constraints if isinstance(one, FunctionConstraint)]
        self._parents = {parent for parameter in space.values() for parent, _ in parameter.conditions()}
        self._tabled = self._parents | {name for one in self._texts if self._can_be_tabled(one) for name in one.names}
        self._values = {name: self._column(name) for name in self._tabled}

    @property
    def count(self) -> int:
        """How many combinations meet the conditions and the constraints in `exact`; a float counts as one value."""
        return self._elimination.count

    @property
    def culprit(self) -> str:
        """What left none, where `count` is 0."""
        return self._elimination.culprit

    @property
    def is_endless(self) -> bool:
        return any(isinstance(parameter, FloatParameter) for parameter in self._space.values())

    @cached_property
    def listed(self) -> list[Point] | None:
        """Every valid point, where they are few enough to be written out; else None."""
        if self.is_endless or self.count > LISTED:
            return None
        return list(enumerated(self._space, self._constraints))

    @property
    def is_exact(self) -> bool:
        """Whether drawing never refuses, so that `count` is final."""
        return not self._functions and not self._deferred

    def draw(self, count: int, draw: np.random.Generator) -> list[Point]:
        """`count` valid points. Raises SpaceError where none is found in TRIES tries, or there is none."""
        if self.count == 0:
            raise SpaceError(f"constraints: no point of the space meets {self.culprit}; loosen it")
        if not self.is_exact and self.count <= LISTED_FIRST and not self.is_endless:
            return self._from_list(count, draw)
        found: list[Point] = []
        tries, batch = 0, count if self.is_exact else max(16, 2 * count)
        while len(found) < count:
            refused: dict[str, int] = {}
            found += self._accepted(batch, draw, refused)
            tries += batch
            if tries >= TRIES * (1 + len(found)):
                if self.listed is None:
                    raise SpaceError(_rare(len(found), tries, refused))
                return self._from_list(count, draw)
            batch = min(max(2 * batch, 256), 16_384)
        return found[:count]

    def _from_list(self, count: int, draw: np.random.Generator) -> list[Point]:
        if not self.listed:
            names = [one.text for one in self._constraints]
            raise SpaceError(f"constraints: no point of the space meets {' and '.join(names)}; loosen them")
        weights = np.array([self._weight(point) for point in self.listed])
        numbers = draw.choice(len(self.listed), size=count, p=weights / weights.sum())
        return [dict(self.listed[number]) for number in numbers]

    def _weight(self, point: Point) -> float:
        tilted = [name for name in point if getattr(self._space[name], "log", False)]
        return math.prod(
            float(weights_of(self._space[name])[place(self._space[name], point[name])]) for name in tilted
        )

    def _accepted(self, count: int, draw: np.random.Generator, refused: dict[str, int]) -> list[Point]:
        batch = self._batch(count, draw)
        for one in self._deferred:
            kept = meets(one, batch)
            refused[one.text] = int(batch.size - kept.sum())
            batch = batch.only(kept)
        points = batch.points()
        for function in self._functions:
            before = len(points)
            points = [point for point in points if function.holds(point)]
            refused[function.text] = before - len(points)
        return points

    def _batch(self, count: int, draw: np.random.Generator) -> Batch:
        states = self._elimination.draw(count, draw)
        columns: dict[str, Column] = {}
        active: dict[str, Mask] = {}
        for name, parameter in self._space.items():
            state = states[name]
            columns[name] = self._values[name][state] if name in self._values else drawn(parameter, count, draw)
            if parameter.when:
                active[name] = state < self._states(name)
        return Batch(columns, active, count)

    # ------------------------------------------------------------ what elimination works on

    @cached_property
    def _plan(self) -> Plan:
        relations = [self._condition(name) for name, parameter in self._space.items() if parameter.when]
        by_text = [self._relation(one) for one in self._texts if one.names <= self._tabled]
        return plan({name: self._variable(name).size for name in self._space}, [*relations, *by_text])

    @cached_property
    def _elimination(self) -> Elimination:
        lost = [relation.text for relation in self._plan.deferred if relation.text.startswith("the condition")]
        if lost:
            raise SpaceError(f"{lost[0]} hangs together with too many combinations: at most {ROWS:,}")
        return Elimination([self._variable(name) for name in self._space], self._plan.kept, self._plan.order)

    @cached_property
    def _deferred(self) -> list[TextConstraint]:
        kept = {relation.text for relation in self._plan.kept}
        return [one for one in self._texts if one.text not in kept]

    def _can_be_tabled(self, one: TextConstraint) -> bool:
        """Whether every parameter is finite and small enough to be written out."""
        sizes = [size_of(self._space[name]) for name in one.names]
        return all(size is not None and size <= ROWS for size in sizes)

    def _column(self, name: str) -> Column:
        """The values by state; the state beyond them stands for "not active" and repeats one."""
        parameter = self._space[name]
        if isinstance(parameter, FloatParameter):
            raise SpaceError(f"{name}: a condition cannot be about a float")
        values = list(choices(parameter))
        if name in self._parents and len(values) > PARENT_VALUES:
            raise SpaceError(f"{name}: a condition is about one of at most {PARENT_VALUES:,} values")
        return column_of([*values, values[-1]] if parameter.when else values)

    def _states(self, name: str) -> int:
        """How many states stand for values: all of them, or one for what is drawn afterwards."""
        return len(choices(self._space[name])) if name in self._tabled else 1

    def _variable(self, name: str) -> Variable:
        parameter = self._space[name]
        if name in self._tabled:
            counts, weights = (1,) * self._states(name), weights_of(parameter)
        else:
            size = size_of(parameter) or 1
            counts, weights = (size,), np.array([float(size)])
        if parameter.when:
            counts, weights = (*counts, 1), np.append(weights, 1.0)
        return Variable(name, counts, weights)

    def _condition(self, name: str) -> Relation:
        """A conditional parameter is active exactly where all its conditions hold."""
        conditions = {
            parent: np.array([place(self._space[parent], value) for value in values])
            for parent, values in self._space[name].conditions()
        }
        beyond = self._states(name)

        def mask(states: Mapping[str, Numbers]) -> Mask:
            brought = np.ones(len(states[name]), dtype=np.bool_)
            for parent, allowed in conditions.items():
                brought &= np.isin(states[parent], allowed)
            return np.asarray((states[name] < beyond) == brought)

        return Relation(frozenset({name, *conditions}), mask, f"the condition of {name}")

    def _relation(self, one: TextConstraint) -> Relation:
        beyond = {name: self._states(name) for name in one.names if self._space[name].when}

        def mask(states: Mapping[str, Numbers]) -> Mask:
            count = len(next(iter(states.values())))
            columns = {name: self._values[name][states[name]] for name in one.names}
            active = {name: states[name] < limit for name, limit in beyond.items()}
            return meets(one, Batch(columns, active, count))

        return Relation(one.names, mask, one.text)


def _rare(found: int, tries: int, refused: Mapping[str, int]) -> str:
    """Words for how rare valid points are: with none in n tries, below 3/n at 95% (the rule of three)."""
    share = f"{found} of {tries:,}" if found else f"none of {tries:,} (so fewer than 1 in {tries // 3:,}, at 95%)"
    most = max(refused, key=lambda text: refused[text])
    return (
        f"constraints: valid points are too rare to draw: {share} met them, and most failed {most}; loosen it, "
        "or write it as text over few parameters, which is then met without trying"
    )
