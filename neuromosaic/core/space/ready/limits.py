"""Constraints by name, from what a spec costs."""

from collections.abc import Callable, Mapping
from typing import Any

from neuromosaic.core.architecture.spec import ArchitectureSpec
from neuromosaic.core.errors import SpaceError
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.spelling import did_you_mean

FLOAT_BYTES = 4


def memory_mb(spec: ArchitectureSpec) -> float:
    """Weights, and the largest output of a layer twice (what goes in and what comes out), in MB of 10^6 bytes."""
    inferred = spec.infer()
    largest = max(_numbers(cost.output.shape) for cost in inferred.layers.values())
    return FLOAT_BYTES * (inferred.parameters + 2 * largest) / 1e6


def _numbers(shape: tuple[int, ...]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count


MEASURES: dict[str, Callable[[ArchitectureSpec], float]] = {
    "max_layers": lambda spec: len(spec.layers),
    "max_parameters": lambda spec: spec.infer().parameters,
    "max_flops": lambda spec: spec.infer().flops,
    "max_memory_mb": memory_mb,
}


def limits(build: Callable[[Point], ArchitectureSpec], wanted: Mapping[str, Any]) -> list[Callable[[Point], bool]]:
    """Functions of a point, one for each limit by name.

    `max_layers`, `max_parameters`, `max_flops` (one example, a multiply-add counts as 2) and `max_memory_mb` (one
    example, forward, estimated). Raises SpaceError for an unknown name or a limit that is no number.
    """
    return [_limit(build, name, most) for name, most in wanted.items()]


def _limit(build: Callable[[Point], ArchitectureSpec], name: str, most: Any) -> Callable[[Point], bool]:
    if name not in MEASURES:
        raise SpaceError(f"{name}: no such limit{did_you_mean(name, MEASURES)}")
    if isinstance(most, bool) or not isinstance(most, (int, float)) or not most > 0:
        raise SpaceError(f"{name}: give a number above 0, not {most!r}")

    def within(point: Point) -> bool:
        return MEASURES[name](build(point)) <= most

    within.__qualname__ = f"{name} = {most}"
    return within
