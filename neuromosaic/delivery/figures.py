"""A plot with its caption and a table with its title, as the report lays them out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from markupsafe import Markup


class Plot(NamedTuple):
    """`svg` is drawn by us from escaped text; `caption` is text."""

    svg: Markup
    caption: str
    wide: bool = False


class Table(NamedTuple):
    title: str
    headers: Sequence[str]
    body: Sequence[Sequence[str]]


def plot(svg: str, caption: str, *, wide: bool = False) -> list[Plot]:
    """Nothing where there is nothing to show."""
    from markupsafe import Markup

    return [Plot(Markup(svg), caption, wide)] if svg else []  # noqa: S704 - what is drawn escapes its text
