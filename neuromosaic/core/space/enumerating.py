"""Every point of a finite space, one after the other."""

from collections.abc import Iterator, Sequence

from neuromosaic.core.errors import SpaceError
from neuromosaic.core.space.constraints import Constraint, TextConstraint
from neuromosaic.core.space.parameters import FloatParameter, Point, Space, choices, is_active, parents_first


def enumerated(space: Space, constraints: Sequence[Constraint]) -> Iterator[Point]:
    """The valid points in the order of their values; a constraint prunes as soon as its parameters are set.

    Raises SpaceError for a space with floats.
    """
    for name, parameter in space.items():
        if isinstance(parameter, FloatParameter):
            raise SpaceError(f"{name}: a float has endlessly many values: such a space cannot be enumerated")
    return _Walk(space, constraints).below({}, 0)


class _Walk:
    def __init__(self, space: Space, constraints: Sequence[Constraint]) -> None:
        self._space, self._order = space, parents_first(space)
        numbers = {name: number for number, name in enumerate(self._order)}
        self._due: list[list[Constraint]] = [[] for _ in range(len(self._order) + 1)]
        for one in constraints:
            last = max(map(numbers.__getitem__, one.names)) + 1 if isinstance(one, TextConstraint) else -1
            self._due[last].append(one)

    def below(self, point: Point, depth: int) -> Iterator[Point]:
        if not all(one.holds(point) for one in self._due[depth]):
            return
        if depth == len(self._order):
            yield {name: point[name] for name in self._space if name in point}
            return
        name = self._order[depth]
        if not is_active(self._space[name], point):
            yield from self.below(point, depth + 1)
            return
        for value in choices(self._space[name]):
            yield from self.below({**point, name: value}, depth + 1)
