"""Jinja templates of the delivered documents, and the filters that they write untrusted text with."""

import re
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment, Template

_MARKDOWN = re.compile(r"([\\`*\[\]<>|~&]|(?<![^\W_])_|_(?![^\W_])|^[#+=-](?=[\s#]))")


def template(name: str) -> "Template":
    return _environment().get_template(name)


def style() -> str:
    """The report's style sheet."""
    from importlib import resources

    return resources.files("neuromosaic.delivery.templates").joinpath("report.css").read_text(encoding="utf-8")


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=PackageLoader("neuromosaic.delivery", "templates"), undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True, autoescape=select_autoescape(["html.j2"]),
    )  # fmt: skip
    environment.filters["md"] = markdown
    environment.filters["indented"] = _indented
    environment.filters["cells"] = _cells
    return environment


def markdown(value: Any) -> str:
    """Text on one line in which Markdown finds nothing to format."""
    return _MARKDOWN.sub(r"\\\1", " ".join(str(value).split()))


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.splitlines())


def _cells(row: Iterable[Any]) -> str:
    return f"| {' | '.join(markdown(cell) for cell in row)} |"
