"""Fits a family's space to what its networks may cost."""

from collections.abc import Iterator
from dataclasses import dataclass

from neuromosaic.core.brief import Contract
from neuromosaic.core.space.parameters import (
    BoolParameter,
    CategoricalParameter,
    IntParameter,
    Parameter,
    Point,
    Scalar,
    Space,
)
from neuromosaic.core.space.space import SearchSpace
from neuromosaic.llm.offline.costing import Cost, parameters, within
from neuromosaic.llm.offline.family import Family
from neuromosaic.llm.offline.writing import adapted

DRAWS = 32
"""Points drawn from a space to see how many of them keep the limit."""

MOST = 0.8
"""The share of them that must."""

AIM = 0.85
"""The share of a limit that the defaults aim at."""


@dataclass(frozen=True)
class Fit:
    """A family at a size: the defaults of its constructor, and the space around them."""

    defaults: Point
    space: Space


def fit(family: Family, contract: Contract, limit: Cost, wish: Cost, variant: int = 0) -> Fit:
    """Defaults as large as most of `limit` and all of `wish` allow; most points of the space within `limit`.

    Where even the smallest network costs more, the smallest. `variant` 1, 2, ...: that much deeper than usual,
    and so narrower, for further proposals of one family.
    """
    family = adapted(family, contract)
    defaults = _defaults(family, contract, limit.times(AIM).capped(wish), variant)
    width, depth = int(defaults["width"]), int(defaults["depth"])
    most = max(width, min(2 * width, _widest(family, contract, defaults, limit)))
    space: Space = {
        "width": IntParameter(
            min=_on_grid(family, width // 2), max=_on_grid(family, most), step=family.width.step, log=True
        ),
        "depth": IntParameter(min=max(family.depth.least, depth - 1), max=min(family.depth.most, depth + 1)),
        **family.options,
    }
    return Fit(defaults, _kept_within(family, contract, defaults, space, limit))


def refit(family: Family, contract: Contract, best: Point, limit: Cost, bold: bool) -> Fit:
    """The space around a point that did well, as defaults, with options that were not searched before.

    `bold` looks further: wider ranges, and all options at once.
    """
    family = adapted(family, contract)
    usual: Point = {**family.values, "width": family.width.usual, "depth": family.depth.usual}
    defaults = {name: best.get(name, value) for name, value in usual.items()}
    width, depth = int(defaults["width"]), int(defaults["depth"])
    reach = 2.0 if bold else 1.4
    offered = {**family.options, **family.later}
    space: Space = {
        "width": IntParameter(
            min=_on_grid(family, round(width / reach)),
            max=_on_grid(family, round(width * reach)),
            step=family.width.step,
            log=True,
        ),
        "depth": IntParameter(min=max(family.depth.least, depth - bold), max=min(family.depth.most, depth + 1)),
        **{name: _near(parameter, defaults[name], bold) for name, parameter in offered.items()},
    }
    return Fit(defaults, _kept_within(family, contract, defaults, space, limit))


def _defaults(family: Family, contract: Contract, aim: Cost, variant: int) -> Point:
    """The deepest network up to the usual depth that is not too narrow; else the smallest depth."""
    usual = min(family.depth.most, family.depth.usual + variant)
    for depth in range(usual, family.depth.least - 1, -1):
        point: Point = {**family.values, "width": family.width.least, "depth": depth}
        width = _widest(family, contract, point, aim)
        if width >= (family.width.usual if variant == 0 else family.width.least + 1):
            break
    return {**point, "width": width}


def _widest(family: Family, contract: Contract, point: Point, limit: Cost) -> int:
    """The largest width within the limit; the least one where none is."""
    grid = range(family.width.least, family.width.most + 1, family.width.step)
    fitting = (width for width in reversed(grid) if within(family, contract, {**point, "width": width}, limit))
    width = next(fitting, family.width.least)
    while width > family.width.least and parameters(family, contract, {**point, "width": width}) > limit.parameters:
        width -= family.width.step
    return width


def _kept_within(family: Family, contract: Contract, defaults: Point, space: Space, limit: Cost) -> Space:
    """The widest of ever narrower spaces most of whose points are within the limit."""
    for narrower in _narrowings(family, contract, defaults, space):
        points = [{**defaults, **point} for point in SearchSpace(narrower).sample_many(DRAWS, seed=0)]
        if sum(within(family, contract, point, limit) for point in points) >= MOST * DRAWS:
            break
    return narrower


def _narrowings(family: Family, contract: Contract, defaults: Point, space: Space) -> Iterator[Space]:
    yield space
    width, depth = space["width"], space["depth"]
    assert isinstance(width, IntParameter)
    assert isinstance(depth, IntParameter)
    for share in (0.7, 0.4, 0.2, 0.0):
        upper = int(defaults["width"]) + share * (width.max - int(defaults["width"]))
        space = {**space, "width": width.model_copy(update={"max": _on_grid(family, int(upper))})}
        yield space
    space = {**space, "depth": depth.model_copy(update={"max": int(defaults["depth"])})}
    yield space
    for name in sorted(space):
        if name not in ("width", "depth") and _costs_more(family, contract, defaults, name, space[name]):
            space = {other: parameter for other, parameter in space.items() if other != name}
            yield space


def _costs_more(family: Family, contract: Contract, defaults: Point, name: str, parameter: Parameter) -> bool:
    least = parameters(family, contract, defaults)
    return any(parameters(family, contract, {**defaults, name: value}) > least for value in _extremes(parameter))


def _extremes(parameter: Parameter) -> tuple[Scalar, ...]:
    if isinstance(parameter, BoolParameter):
        return (False, True)
    return parameter.values if isinstance(parameter, CategoricalParameter) else (parameter.min, parameter.max)


def _near(parameter: Parameter, value: Scalar, bold: bool) -> Parameter:
    """The part of a numeric range around a value; choices stay open."""
    if bold or isinstance(parameter, (BoolParameter, CategoricalParameter)):
        return parameter
    if isinstance(parameter, IntParameter):
        ends = (max(parameter.min, int(value) - parameter.step), min(parameter.max, int(value) + parameter.step))
        return parameter.model_copy(update={"min": ends[0], "max": ends[1]})
    reach = (parameter.max - parameter.min) / 4
    low, high = max(parameter.min, float(value) - reach), min(parameter.max, float(value) + reach)
    return parameter.model_copy(update={"min": low, "max": high})


def _on_grid(family: Family, width: int) -> int:
    grid = family.width
    steps = (min(max(width, grid.least), grid.most) - grid.least) // grid.step
    return grid.least + steps * grid.step
