"""An OpenAPI description as a judge of requests and responses, and as a source of complete answers."""

import json
from pathlib import Path
from typing import Any

import jsonschema

DESCRIPTION = Path(__file__).with_name("github_pulls.json")
_SAMPLES = {"uri": "https://example.org/x", "date-time": "2026-01-01T00:00:00Z"}


class Description:
    def __init__(self, path: Path = DESCRIPTION) -> None:
        self.document = _nullable(json.loads(path.read_text()))
        self.errors: list[str] = []

    def operation(self, template: str, method: str) -> dict[str, Any]:
        found: dict[str, Any] = self.document["paths"][template][method.lower()]
        return found

    def check_request(self, template: str, method: str, query: dict[str, str], body: Any) -> None:
        """Collects what the description does not allow."""
        operation = self.operation(template, method)
        known = {}
        for parameter in map(self.resolved, operation["parameters"]):
            if parameter["in"] == "query":
                known[parameter["name"]] = parameter["schema"]
        for name, value in query.items():
            if name not in known:
                self.errors.append(f"{method} {template}: unknown parameter {name}")
            else:
                schema = known[name]
                self._check(int(value) if schema.get("type") == "integer" else value, schema, f"{method} ?{name}")
        if body is not None:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            unknown = set(body) - set(schema["properties"])
            self.errors += [f"{method} {template}: unknown field {name}" for name in sorted(unknown)]
            self._check(body, schema, f"{method} {template}")

    def check_response(self, template: str, method: str, status: int, body: Any) -> None:
        response = self.resolved(self.operation(template, method)["responses"][str(status)])
        self._check(body, response["content"]["application/json"]["schema"], f"{method} {template} -> {status}")

    def sample(self, name: str) -> Any:
        """A complete instance of a component's schema."""
        return self._sample({"$ref": f"#/components/schemas/{name}"})

    def resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            here = self.document
            for step in schema["$ref"].removeprefix("#/").split("/"):
                here = here[step]
            schema = here
        return schema

    def _check(self, value: Any, schema: dict[str, Any], where: str) -> None:
        whole = {**schema, "components": self.document["components"]}
        for error in jsonschema.Draft202012Validator(whole).iter_errors(value):
            self.errors.append(f"{where}: {error.json_path}: {error.message[:200]}")

    def _sample(self, schema: dict[str, Any]) -> Any:
        schema = self.resolved(schema)
        for together in ("allOf", "anyOf", "oneOf"):
            if together in schema:
                return self._sample(schema[together][0])
        if "enum" in schema:
            return schema["enum"][0]
        kind = schema.get("type", "object")
        if isinstance(kind, list):
            return None
        if kind == "object":
            needed, fields = schema.get("required", ()), schema.get("properties", {})
            return {name: self._sample(fields[name]) for name in needed if name in fields}
        if kind == "string":
            return _SAMPLES.get(schema.get("format", ""), "x")
        return {"integer": 1, "number": 1.0, "boolean": False, "array": []}[kind]


def _nullable(value: Any) -> Any:
    """OpenAPI 3.0's "nullable" as JSON Schema says it."""
    if isinstance(value, list):
        return [_nullable(item) for item in value]
    if not isinstance(value, dict):
        return value
    plain = {name: _nullable(item) for name, item in value.items() if name != "nullable"}
    if value.get("nullable") is not True:
        return plain
    if "type" in plain:
        extra = {"enum": [*plain["enum"], None]} if "enum" in plain else {}
        return {**plain, "type": [plain["type"], "null"], **extra}
    return {"anyOf": [plain, {"type": "null"}]}
