"""What a spec costs: as measures of a space, and as constraints by name."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from neuromosaic.core.architecture.spec import ArchitectureSpec
from neuromosaic.core.errors import SpaceError
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.spelling import suggest

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
NAMES = (*MEASURES, "max_latency_ms", "target_platform")


def sizes(build: Callable[[Point], ArchitectureSpec], points: Sequence[Point]) -> list[dict[str, float]]:
    """The logarithms of parameters and FLOPs (one example), each plus one, of the specs that these points mean."""
    inferred = [build(point).infer() for point in points]
    return [{"parameters": math.log1p(one.parameters), "flops": math.log1p(one.flops)} for one in inferred]


def limits(build: Callable[[Point], ArchitectureSpec], wanted: Mapping[str, Any]) -> list[Callable[[Point], bool]]:
    """Functions of a point, one for each limit by name.

    `max_layers`, `max_parameters`, `max_flops` (one example, a multiply-add counts as 2), `max_memory_mb` (one
    example, forward, estimated) and `max_latency_ms` (one example, at least: its FLOPs at the rate of
    `target_platform`, which is a device of this machine, "cpu", "cuda" or "mps", or a rate in GFLOP/s). Estimates
    spare a search what cannot do; whether a winner is quick enough is measured. Raises SpaceError for an unknown
    name, a limit that is no number, and a latency without a platform.
    """
    measures = dict(MEASURES)
    if "max_latency_ms" in wanted:
        rate = _gflops(wanted.get("target_platform"))
        measures["max_latency_ms"] = lambda spec: spec.infer().flops / rate / 1e6
    named = {name: most for name, most in wanted.items() if name != "target_platform"}
    return [_limit(build, name, most, measures) for name, most in named.items()]


def _gflops(platform: Any) -> float:
    if isinstance(platform, (int, float)) and not isinstance(platform, bool) and platform > 0:
        return float(platform)
    if not isinstance(platform, str):
        raise SpaceError('max_latency_ms: give a target_platform, "cpu" or a rate in GFLOP/s')
    from neuromosaic.core.evaluation.hardware import choose_device, profile  # measures, so on demand

    return profile(choose_device(platform)).gflops


Measures = Mapping[str, Callable[[ArchitectureSpec], float]]


def _limit(
    build: Callable[[Point], ArchitectureSpec], name: str, most: Any, measures: Measures
) -> Callable[[Point], bool]:
    if name not in measures:
        raise SpaceError(f"{name}: no such limit{suggest(name, NAMES)}")
    if isinstance(most, bool) or not isinstance(most, (int, float)) or not most > 0:
        raise SpaceError(f"{name}: give a number above 0, not {most!r}")

    def within(point: Point) -> bool:
        return measures[name](build(point)) <= most

    within.__qualname__ = f"{name} = {most}"
    return within
