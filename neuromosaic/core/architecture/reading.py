"""Specs from documents: strict, with the path of each fault."""

from collections.abc import Mapping
from typing import Any

from neuromosaic.core.architecture.spec import ArchitectureSpec, Input, Layer
from neuromosaic.core.errors import ArchitectureError
from neuromosaic.core.spelling import did_you_mean

_WHOLE = {
    "id": str, "inputs": list, "layers": list, "connections": list, "outputs": list, "metadata": dict,
    "metrics": dict,
}  # fmt: skip


def read_spec(document: Any) -> ArchitectureSpec:
    """Raises ArchitectureError: wrong types, unknown keys, an `id` that is not the content's."""
    found = _fields(document, _WHOLE, ("inputs", "layers"), "")
    spec = ArchitectureSpec(
        layers=tuple(_layer(part, f"layers[{n}]") for n, part in enumerate(found["layers"])),
        inputs=tuple(_input(part, f"inputs[{n}]") for n, part in enumerate(found["inputs"])),
        connections=tuple(_pair(part, f"connections[{n}]") for n, part in enumerate(found.get("connections", ()))),
        outputs=tuple(_name(part, f"outputs[{n}]") for n, part in enumerate(found.get("outputs", ()))),
        metadata=found.get("metadata", {}),
        metrics={name: _number(value, f"metrics.{name}") for name, value in found.get("metrics", {}).items()},
    )
    if "id" in found and found["id"] != spec.id:
        raise ArchitectureError(f"the content's id is {spec.id}: leave `id` out, or undo the change", "id")
    return spec


def _layer(part: Any, path: str) -> Layer:
    found = _fields(part, {"name": str, "type": str, "config": dict}, ("name", "type"), path)
    return Layer(found["name"], found["type"], found.get("config", {}))


def _input(part: Any, path: str) -> Input:
    found = _fields(part, {"name": str, "shape": list, "classes": int}, ("name", "shape"), path)
    return Input(found["name"], tuple(found["shape"]), found.get("classes"))


def _fields(part: Any, known: Mapping[str, type], needed: tuple[str, ...], path: str) -> dict[str, Any]:
    dot = f"{path}." if path else ""
    if not isinstance(part, Mapping):
        raise ArchitectureError(f"a mapping is needed, not {part!r}", path)
    for key, value in part.items():
        if key not in known:
            raise ArchitectureError(f"unknown key{did_you_mean(str(key), known)}", f"{dot}{key}")
        right = isinstance(value, (list, tuple) if known[key] is list else known[key]) and not isinstance(value, bool)
        if not right:
            raise ArchitectureError(f"a {known[key].__name__} is needed, not {value!r}", f"{dot}{key}")
    for key in needed:
        if key not in part:
            raise ArchitectureError(f"the key {key!r} is missing", path)
    return dict(part)


def _pair(part: Any, path: str) -> tuple[str, str]:
    if not isinstance(part, (list, tuple)) or len(part) != 2:
        raise ArchitectureError(f"a pair [source, target] is needed, not {part!r}", path)
    return _name(part[0], f"{path}[0]"), _name(part[1], f"{path}[1]")


def _name(part: Any, path: str) -> str:
    if not isinstance(part, str):
        raise ArchitectureError(f"a name is needed, not {part!r}", path)
    return part


def _number(value: Any, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ArchitectureError(f"a number is needed, not {value!r}", path)
    return value
