"""Macro spaces: how many layers, what each is, and which skip others."""

from collections.abc import Mapping
from typing import Any

from neuromosaic.core.errors import SpaceError


def layer_parameters(
    most: int, each: Mapping[str, Mapping[str, Any]], *, least: int = 1, skips: bool = False, prefix: str = ""
) -> dict[str, dict[str, Any]]:
    """Parameters of a chain of `least` to `most` layers, each with the parameters of `each`.

    "layers" says how many there are; layer 3's "width" is "layer3_width", part of a point only where there are three
    layers or more. Parameters of `each` may depend on one another. With `skips`, "skip1_3" says whether what enters
    layer 1 is also added to what enters layer 3. Raises SpaceError for an empty range.

    >>> from neuromosaic.core.space.space import SearchSpace
    >>> SearchSpace(layer_parameters(3, {"op": {"type": "categorical", "values": ["conv", "pool"]}})).size()
    14
    """
    if not 1 <= least <= most:
        raise SpaceError(f"layers: there must be 1 or more, and no fewer than at least, not {least} to {most}")
    found: dict[str, dict[str, Any]] = {f"{prefix}layers": {"type": "int", "min": least, "max": most}}
    for number in range(1, most + 1):
        there = _there(f"{prefix}layers", number, least, most)
        for name, parameter in each.items():
            own = {
                f"{prefix}layer{number}_{other}": values for other, values in (parameter.get("when") or {}).items()
            }
            found[f"{prefix}layer{number}_{name}"] = _conditional(parameter, {**there, **own})
        if skips:
            for source in range(1, number - 1):
                found[f"{prefix}skip{source}_{number}"] = _conditional({"type": "bool"}, there)
    return found


def _there(name: str, number: int, least: int, most: int) -> dict[str, Any]:
    return {} if number <= least else {name: list(range(number, most + 1))}


def _conditional(parameter: Mapping[str, Any], when: Mapping[str, Any]) -> dict[str, Any]:
    return {**parameter, "when": dict(when)} if when else {k: v for k, v in parameter.items() if k != "when"}
