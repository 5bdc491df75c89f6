"""What is known of an architecture before anything is built: limits on it are checked first."""

from collections.abc import Callable
from typing import Any

from neuromosaic.core.search.objectives import Objectives
from neuromosaic.core.space.parameters import Point

KNOWN: dict[str, Callable[[Any], float]] = {
    "params": lambda inferred: inferred.parameters,
    "parameters": lambda inferred: inferred.parameters,
    "flops": lambda inferred: inferred.flops,
}


def forbidden(objectives: Objectives, build: Callable[[Point], Any], point: Point) -> str | None:
    """Which limits on parameters or FLOPs the point's architecture breaks, by inference; None where it breaks none.

    Only for architectures that can `infer()`; of the others nothing is known beforehand.
    """
    names = {limit.name for limit in objectives.limits} & KNOWN.keys()
    infer = getattr(build(dict(point)), "infer", None) if names else None
    if infer is None:
        return None
    inferred = infer()
    figures = {name: float(KNOWN[name](inferred)) for name in names}
    broken = [f"{figures[limit.name]:g} breaks {limit}" for limit in objectives.broken(figures)]
    return f"not evaluated: {', '.join(broken)}" if broken else None
