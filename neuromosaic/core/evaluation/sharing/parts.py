"""What is the same part in two networks of a space: a key for each of a spec's layers."""

import json
from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from neuromosaic.core.architecture.operation import Data, Range, Width, find
from neuromosaic.core.architecture.spec import ArchitectureSpec, Layer

WIDTH: Range = Width.__metadata__[0]  # type: ignore[attr-defined]


class Part(NamedTuple):
    """`key`: equal for layers that share weights. `inputs`: what flows into the layer."""

    layer: Layer
    key: str
    inputs: tuple[Data, ...]


def parts_of(spec: ArchitectureSpec) -> list[Part]:
    """One for each layer in order.

    The key is the layer's place in the space where its spec tells it (cells do); else whether it is an output, or
    the resolution at which it works. Besides come its operation and fields other than widths, and the how many-eth
    of all these it is. Layers of several widths share: the narrower takes the first channels of the wider.
    """
    places, values = spec.metadata.get("places", {}), _values(spec)
    seen: Counter[str] = Counter()
    parts = []
    for layer in spec.layers:
        inputs = tuple(values[source] for source in spec.sources[layer.name])
        base = f"{_place(spec, layer, places, inputs)}|{layer.type}|{_narrow(layer)}"
        parts.append(Part(layer, f"{base}|{seen[base]}", inputs))
        seen[base] += 1
    return parts


def _values(spec: ArchitectureSpec) -> dict[str, Data]:
    values = {each.name: Data(each.shape, each.classes) for each in spec.inputs}
    return values | {name: cost.output for name, cost in spec.infer().layers.items()}


def _place(spec: ArchitectureSpec, layer: Layer, places: Mapping[str, str], inputs: tuple[Data, ...]) -> str:
    if layer.name in places:
        return places[layer.name]
    if layer.name in spec.outputs:
        return "output"
    shape = inputs[0].shape
    return "x".join(map(str, shape[1:] if len(shape) == 3 else shape[:-1]))


def _narrow(layer: Layer) -> str:
    return json.dumps({name: value for name, value in layer.config.items() if name not in _widths(layer.type)},
                      sort_keys=True)  # fmt: skip


@cache
def _widths(operation: str) -> frozenset[str]:
    fields: Mapping[str, Any] = find(operation).fields
    return frozenset(name for name, field in fields.items() if field.range == WIDTH)
