"""Several families' spaces as one: the choice of a family, and below it the values for its constructor."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from neuromosaic.core.errors import SpaceError
from neuromosaic.core.space.constraints import Constraint
from neuromosaic.core.space.parameters import CategoricalParameter, Parameter, Point
from neuromosaic.core.space.space import SearchSpace

FAMILY = "family"


class Choice(NamedTuple):
    """A family by its id, and values for its constructor's arguments."""

    family: str
    values: Point

    @property
    def key(self) -> str:
        return json.dumps([self.family, self.values], sort_keys=True)


class Families(SearchSpace):
    """The choice `family`, and each space's own parameters, under `FAMILY_NAME`, where it is chosen.

    Draws are even over the families, and then over the points of the one drawn: were they even over all points, a
    family with a large space would leave none to one with a small space.

    >>> small = SearchSpace({"wide": {"type": "bool"}})
    >>> large = SearchSpace({"width": {"type": "int", "min": 1, "max": 998}})
    >>> families = Families({"mlp": small, "cnn": large})
    >>> families.size()
    1000
    >>> families.point(Choice("cnn", {"width": 3}))
    {'family': 'cnn', 'cnn_width': 3}
    """

    def __init__(self, spaces: Mapping[str, SearchSpace]) -> None:
        self._spaces = dict(spaces)
        parameters: dict[str, Parameter] = {FAMILY: CategoricalParameter(values=tuple(spaces))}
        for family, space in spaces.items():
            parameters |= {f"{family}_{name}": _below(family, one) for name, one in space.parameters.items()}
        within = [_within(self, family, one) for family, space in spaces.items() for one in space.constraints]
        super().__init__(parameters, within)

    def point(self, choice: Choice) -> Point:
        """The point that means this choice."""
        return {FAMILY: choice.family, **{f"{choice.family}_{name}": one for name, one in choice.values.items()}}

    def choice(self, point: Mapping[str, object]) -> Choice:
        """What a point means."""
        family = str(point[FAMILY])
        named = {name: f"{family}_{name}" for name in self._spaces[family].parameters}
        return Choice(family, {name: point[long] for name, long in named.items() if long in point})  # type: ignore[misc]

    def sample_many(self, count: int, seed: int) -> list[Point]:
        """`count` points, even over the families. Raises SpaceError as each family's own space does."""
        import numpy as np

        if count < 0:
            raise SpaceError(f"sample_many: {count} points cannot be drawn")
        draw, names = np.random.default_rng(seed), list(self._spaces)
        chosen = draw.integers(len(names), size=count).tolist()
        drawn: list[Iterator[Point]] = [
            iter(self._spaces[name].sample_many(chosen.count(number), int(draw.integers(2**62))))
            for number, name in enumerate(names)
        ]
        return [self.point(Choice(names[number], next(drawn[number]))) for number in chosen]

    def size(self) -> int | None:
        """As many points as the families have together; None where one has no end, or hides behind functions."""
        sizes = [space.size() for space in self._spaces.values()]
        return None if None in sizes else sum(size for size in sizes if size is not None)


def _below(family: str, parameter: Parameter) -> Parameter:
    """The parameter under its family: what brought it in there, or else the choice of the family, brings it in."""
    own = {f"{family}_{name}": values for name, values in (parameter.when or {}).items()}
    return parameter.model_copy(update={"when": own or {FAMILY: family}})


def _within(families: Families, family: str, constraint: Constraint) -> Callable[[Point], bool]:
    """A constraint of one family's space, on points of all."""

    def holds(point: Point) -> bool:
        return point[FAMILY] != family or constraint.holds(families.choice(point).values)

    holds.__qualname__ = f"{family}: {constraint.text}"
    return holds
