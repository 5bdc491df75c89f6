"""Grid search: every combination of some values of each parameter, one after the other."""

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field

from neuromosaic.core.errors import SearchExhausted
from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.search.strategies.memory import Metrics
from neuromosaic.core.space.constraints import FunctionConstraint
from neuromosaic.core.space.parameters import FloatParameter, IntParameter, Parameter, Point, Scalar, choices
from neuromosaic.core.space.space import SearchSpace


class GridSearch:
    """The points of a grid in the order of their values, the last parameter's first; trial `n` gets the n-th.

    `resolution`: how many values a float, or an int of more values, has in the grid, both ends among them, spaced
    evenly on the parameter's own scale. Choices, ordinals and bools have all of theirs. Raises SearchExhausted when
    the whole grid was suggested.
    """

    def __init__(
        self, seed: int, objectives: Objectives, *, resolution: Annotated[int, Field(ge=1, le=10_000)] = 5
    ) -> None:
        self._resolution = resolution
        self._space: SearchSpace | None = None
        self._points: list[Point] = []
        self._rest: Iterator[Point] = iter(())

    def suggest(self, space: SearchSpace, trial_number: int) -> Point:
        if space is not self._space:
            self._space, self._points, self._rest = space, [], coarse(space, self._resolution).enumerate()
        while len(self._points) <= trial_number:
            point = next(self._rest, None)
            if point is None:
                raise SearchExhausted(
                    f"grid: all {len(self._points)} points were suggested; "
                    "raise `resolution`, or take another strategy"
                )
            self._points.append(point)
        return dict(self._points[trial_number])

    def update(self, architecture: Point, metrics: Metrics) -> None:
        """A grid learns nothing."""

    def pending(self, points: Sequence[Point]) -> None:
        """A grid never suggests the same twice."""


def coarse(space: SearchSpace, resolution: int) -> SearchSpace:
    """The space with `resolution` values, in order, for each float and each int that has more.

    Values that a condition names stay in, so that what it brings in is still there.
    """
    named: dict[str, set[Scalar]] = {}
    for parameter in space.parameters.values():
        for parent, values in parameter.conditions():
            named.setdefault(parent, set()).update(values)
    reduced = {
        name: _reduced(parameter, resolution, named.get(name, set())) for name, parameter in space.parameters.items()
    }
    given = [one.function if isinstance(one, FunctionConstraint) else one.text for one in space.constraints]
    return SearchSpace(reduced, given, name=space.name)


def _reduced(parameter: Parameter, resolution: int, named: set[Scalar]) -> Parameter | dict[str, object]:
    if isinstance(parameter, FloatParameter):
        values: set[Scalar] = set(spread(parameter, resolution))
    elif isinstance(parameter, IntParameter) and len(choices(parameter)) > resolution:
        values = {*spread(parameter, resolution), *named}
    else:
        return parameter
    return {"type": "ordinal", "values": sorted(values, key=float), "when": parameter.when}


def spread(parameter: FloatParameter | IntParameter, count: int) -> list[float | int]:
    """`count` numbers from end to end, evenly on the parameter's scale; the middle where there is one."""
    import numpy as np

    from neuromosaic.core.space.domains import numbers_at

    shares = np.linspace(0, 1, count) if count > 1 else np.array([0.5])
    found: list[float | int] = numbers_at(parameter, shares).tolist()
    return found
