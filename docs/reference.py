"""Writes the reference pages from the code: docs/operations.md and docs/reference.md.

python docs/reference.py
"""

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from neuromosaic.core.architecture.operation import Field, operations

FACES = ("architectures", "encoding", "search", "evaluation", "registry", "testing")


def main() -> None:
    for name, text in pages().items():
        (Path(__file__).parent / name).write_text(text)


def pages() -> dict[str, str]:
    """File names and texts."""
    return {"operations.md": "\n".join(operation_page()), "reference.md": "\n".join(reference_page())}


def operation_page() -> Iterator[str]:
    yield "# Operations\n"
    yield "What a layer of an `ArchitectureSpec` can be. Written from the code by `python docs/reference.py`.\n"
    yield "An image is [channels, height, width], a sequence [steps, features], a vector [features], tokens are ids"
    yield "[steps]; `*` is two or more of any but tokens. A field without a default must be given.\n"
    yield "| operation | takes | fields | |\n| --- | --- | --- | --- |"
    for name, one in sorted(operations().items()):
        takes = ", ".join(kind.replace("|", " or ") for kind in one.takes)
        fields = "<br>".join(f"`{field.name}` {_extent(field)}" for field in one.fields.values())
        yield f"| `{name}` | {takes} | {fields} | {_in_a_row(one.description)} |"
    yield ""


def _extent(field: Field) -> str:
    told = field.type.__name__
    if field.choices:
        told = "one of " + ", ".join(map(str, field.choices))
    elif field.range:
        told += f" {field.range.low:g} to {field.range.high:g}"
    return told if field.default is None else f"{told}, usually {field.default}"


def _in_a_row(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def reference_page() -> Iterator[str]:
    yield "# Reference\n"
    yield "The public names, written from their docstrings by `python docs/reference.py`.\n"
    for face in FACES:
        module = import_module(f"neuromosaic.{face}")
        yield f"## neuromosaic.{face}\n\n{inspect.getdoc(module)}\n"
        for name in sorted(module.__all__):
            yield from _entry(name, getattr(module, name))


def _entry(name: str, thing: object) -> Iterator[str]:
    yield f"### {name}\n"
    if signature := _signature(thing):
        yield f"{signature}\n"
    yield f"{_text(thing)}\n"
    members = vars(thing).items() if inspect.isclass(thing) else ()
    for member, value in members:
        function = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        if not member.startswith("_") and (inspect.isfunction(function) or isinstance(value, property)):
            yield f"- **{member}**{_signature(function)}: {_in_a_row(_text(function)) or 'see above'}"
    yield ""


def _signature(thing: object) -> str:
    if not callable(thing) or thing is None:
        return ""
    try:
        text = f"`{inspect.signature(thing)}`"
        return re.sub(r"\b[a-z_]+\.(?:[a-z_]+\.)*(?=[A-Za-z])", "", text).replace("<factory>", "...")
    except (TypeError, ValueError):
        return ""


def _text(thing: object) -> str:
    """A docstring as Markdown: its examples become blocks of code."""
    lines = (inspect.getdoc(thing) or "").split("\n")
    told: list[str] = []
    inside = False
    for line in lines:
        if line.startswith(">>>") and not inside:
            told.append("```pycon")
            inside = True
        elif inside and not line.strip():
            told.append("```")
            inside = False
        told.append(line)
    return "\n".join([*told, "```"] if inside else told)


if __name__ == "__main__":
    main()
