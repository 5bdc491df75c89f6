"""How the arguments of a node are written in a graph's document.

| in the document | means |
| --- | --- |
| null, true, 3, 0.5, "same", [..] | itself |
| {"node": name} | the value of an earlier node |
| {"tensor": name} | a parameter, buffer or constant |
| {"input": number} | an input of the network |
| {"float": "inf" or "-inf" or "nan"} | a number that JSON does not have |
| {"dtype": "float32"}, {"memory_format": "channels_last"} | PyTorch's of that name |
| {"device": "input"} | the device that the network's first input is on |
"""

from collections.abc import Callable, Iterator
from typing import Any

from neuromosaic.core.graph.document import ITEM_SIZES

Reference = tuple[str, str | int]
"""("node" | "tensor" | "input", its name or number)."""

REFERENCES = ("node", "tensor", "input")
FLOATS = {"inf": float("inf"), "-inf": float("-inf"), "nan": float("nan")}
DTYPES = frozenset({*ITEM_SIZES, "complex128"})
MEMORY_FORMATS = frozenset({"contiguous_format", "preserve_format", "channels_last", "channels_last_3d"})
DEVICE = {"device": "input"}


def node(name: str) -> dict[str, str]:
    return {"node": name}


def reference(value: Any) -> Reference | None:
    """What an encoded value refers to; None for a value that stands for itself."""
    if isinstance(value, dict) and len(value) == 1:
        (kind, target) = next(iter(value.items()))
        if kind in REFERENCES:
            return kind, target
    return None


def references(value: Any) -> Iterator[Reference]:
    """Every reference in an encoded value, a list or a node's {"args", "kwargs"}, in order."""
    found = reference(value)
    if found:
        yield found
    elif isinstance(value, dict):
        for part in value.values():
            yield from references(part)
    elif isinstance(value, list):
        for part in value:
            yield from references(part)


def replaced(value: Any, replace: Callable[[Reference], Any]) -> Any:
    """The encoded value with every reference put through `replace`, all else copied."""
    found = reference(value)
    if found:
        return replace(found)
    if isinstance(value, dict):
        return {key: replaced(part, replace) for key, part in value.items()}
    if isinstance(value, list):
        return [replaced(part, replace) for part in value]
    return value


def operands(node: dict[str, Any]) -> Iterator[Reference]:
    """What a node of a document reads, in the order of its arguments."""
    yield from references(node["args"])
    yield from references(node["kwargs"])
