"""The form of a decision, told in few words and completely."""

from typing import Literal

import pytest
from pydantic import Field

from neuromosaic.core.brief import Value
from neuromosaic.prompts.schema import field_list, json_schema


class Part(Value):
    size: int = Field(ge=1, description="in metres")
    tags: tuple[Literal["a", "b"], ...] = ()


class Whole(Value):
    """What is asked for."""

    title: str
    share: float | None = Field(None, gt=0, lt=1)
    kind: Literal["x", "y"] = "x"
    on: bool = True
    bounds: dict[str, float] = Field(default_factory=dict)
    part: Part | None = None
    parts: tuple[Part, ...] = Field(min_length=1, max_length=3)


def test_each_field_is_told_with_its_kind_bounds_and_default() -> None:
    inner = '  - `size` (needed): whole number, at least 1 (in metres)\n  - `tags`: list of: one of "a", "b"\n'
    assert field_list(Whole) + "\n" == (
        "- `title` (needed): text\n"
        "- `share`: null or number, above 0, below 1\n"
        '- `kind`: one of "x", "y"; default "x"\n'
        "- `on`: true or false; default true\n"
        "- `bounds`: object of names, each with: number\n"
        f"- `part`: null or object\n{inner}"
        f"- `parts` (needed): list of 1 to 3 of: object\n{inner}"
    )


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (["x", "y"], '- `kind`: one of "x", "y"; default "x"'),
        (["y", "z"], '- `kind` (needed): one of "y", "z"'),
        (["x"], '- `kind` (needed): always "x"'),
    ],
)
def test_a_narrowed_field_is_needed_where_its_default_does_not_fit(values: list[str], told: str) -> None:
    assert told in field_list(Whole, {"kind": values}).splitlines()


def test_lists_and_what_lies_within_are_narrowed_too() -> None:
    narrow = field_list(Whole, {"tags": ["b"], "size": []})
    assert '  - `tags`: list of: always "b"' in narrow.splitlines()
    assert "size" not in narrow


def test_the_schema_has_no_ornaments() -> None:
    schema = json_schema(Whole)
    assert set(schema["properties"]) == set(Whole.model_fields)
    assert set(schema) == {"$defs", "additionalProperties", "description", "properties", "required", "type"}
    assert schema["properties"]["title"] == {"type": "string"}
    assert schema["description"] == "What is asked for."


def test_the_schema_holds_only_what_fits_the_task() -> None:
    schema = json_schema(Whole, {"kind": ["y"], "tags": ["a"], "bounds": []})
    assert schema["properties"]["kind"]["enum"] == ["y"]
    assert "bounds" not in schema["properties"]
    assert schema["$defs"]["Part"]["properties"]["tags"]["items"] == {"enum": ["a"]}
    assert json_schema(Whole)["properties"]["kind"]["enum"] == ["x", "y"]
