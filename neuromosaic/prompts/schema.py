"""The form of a decision: as JSON schema without what only people need, and as a list of fields for a prompt."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

Narrowed = Mapping[str, Sequence[Any]]
"""Field name to the only values that fit the task; a field without any is left out of the list."""


def json_schema(reply: type[BaseModel], narrowed: Narrowed | None = None) -> dict[str, Any]:
    """Pydantic's schema of `reply` without titles and with one-line descriptions, narrowed to what fits the task."""
    lean: dict[str, Any] = _lean(reply.model_json_schema())
    for node in (lean, *lean.get("$defs", {}).values()) if narrowed else ():
        _narrow_fields(node, narrowed or {})
    return lean


def _narrow_fields(node: dict[str, Any], narrowed: Narrowed) -> None:
    fields = node.get("properties", {})
    for name in set(fields) & set(narrowed):
        if narrowed[name]:
            fields[name] = _narrow(fields[name], narrowed[name])
        else:
            del fields[name]


def _lean(node: Any) -> Any:
    if isinstance(node, list):
        return [_lean(item) for item in node]
    if not isinstance(node, dict):
        return node
    # A "title" that is a string is pydantic's ornament; under "properties" it could be a field.
    kept = {key: value for key, value in node.items() if not (key == "title" and isinstance(value, str))}
    return {key: " ".join(value.split()) if key == "description" else _lean(value) for key, value in kept.items()}


def field_list(reply: type[BaseModel], narrowed: Narrowed | None = None) -> str:
    """One line per field, what an object holds indented below it: "- `trials`: whole number, at least 1"."""
    schema = json_schema(reply)
    return "\n".join(_fields(schema, schema.get("$defs", {}), narrowed or {}, ""))


def _fields(node: Any, defs: Any, narrowed: Narrowed, indent: str) -> Iterator[str]:
    for name, field in node["properties"].items():
        if name in narrowed and not narrowed[name]:
            continue
        if name in narrowed:
            field = _narrow(field, narrowed[name])
        needed = name in node.get("required", ()) or _loses_default(field)
        mark, default = (" (needed)", "") if needed else ("", _default(field))
        yield f"{indent}- `{name}`{mark}: {_kind(field, defs)}{default}{_told(field)}"
        if inner := _object(field, defs):
            yield from _fields(inner, defs, narrowed, indent + "  ")


def _narrow(field: Any, values: Sequence[Any]) -> Any:
    enum = {"enum": list(values)}
    return {**field, "items": enum} if field.get("type") == "array" else {**field, **enum}


def _loses_default(field: Any) -> bool:
    """Whether what a field is when left out is none of its values, or there is but one: then it is to be said."""
    return "enum" in field and (field.get("default") not in field["enum"] or len(field["enum"]) == 1)


def _default(field: Any) -> str:
    default = field.get("default")
    tells = default not in (None, "", []) and not isinstance(default, dict)
    return f"; default {json.dumps(default)}" if tells else ""


def _told(field: Any) -> str:
    return f" ({field['description']})" if "description" in field else ""


def _object(field: Any, defs: Any) -> Any:
    """The schema of the object that a field is, or is a list of, or may be; None where there is no such thing."""
    if "$ref" in field:
        field = defs[field["$ref"].rpartition("/")[2]]
    if "properties" in field:
        return field
    inner = [field["items"]] if field.get("type") == "array" else field.get("anyOf", [])
    return next((found for part in inner if (found := _object(part, defs))), None)


def _kind(field: Any, defs: Any) -> str:
    if len(field.get("enum", ())) == 1:
        return f"always {json.dumps(field['enum'][0])}"
    if "enum" in field:
        return "one of " + ", ".join(map(json.dumps, field["enum"]))
    if "anyOf" in field:
        parts = sorted(field["anyOf"], key=lambda part: part.get("type") != "null")
        return " or ".join(_kind(part, defs) for part in parts)
    if field.get("type") == "array":
        return f"list{_lengths(field)} of: {_kind(field['items'], defs)}"
    if "additionalProperties" in field and "properties" not in field and "$ref" not in field:
        return f"object of names, each with: {_kind(field['additionalProperties'], defs)}"
    words = {"integer": "whole number", "boolean": "true or false", "string": "text"}
    kind = str(field.get("type", "object"))
    return words.get(kind, kind) + _bounds(field)


def _bounds(field: Any) -> str:
    words = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    return "".join(f", {word} {field[key]}" for key, word in words.items() if key in field)


def _lengths(field: Any) -> str:
    least, most = field.get("minItems"), field.get("maxItems")
    return f" of {least or 0} to {most}" if most is not None else ""
