"""The pull request's text: what a reviewer wants to know, in the order in which they ask."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from neuromosaic.delivery import view
from neuromosaic.delivery.material import Material
from neuromosaic.delivery.pull_requests.checking import Checked
from neuromosaic.delivery.pull_requests.placing import Place
from neuromosaic.delivery.reproducing import brief_yaml, command, repeatable
from neuromosaic.delivery.summary import STORY
from neuromosaic.delivery.templates import template
from neuromosaic.delivery.text import headline, primary, rows, words

_MARK = re.compile(r"<!-- neuromosaic-run: (\S+) -->")


class Told(NamedTuple):
    """What the text is made of. `links`: address by path of a committed file, where the forge shows it."""

    material: Material
    place: Place
    checked: Checked
    notes: tuple[str, ...] = ()
    contributing: str | None = None
    links: Mapping[str, str] = {}


def body(told: Told) -> str:
    """Markdown; whatever a person or a model has written is escaped. Ends with the hidden run id."""
    results = told.material.results
    headers, table = rows(results)
    pictures = {name: told.links.get(str(told.place.folder / name)) for name in ("pareto.svg", "learning.svg")}
    text = template("pull_request.md.j2").render(
        results=results, best=told.material.candidate, headline=headline(results), headers=headers, body=table,
        constraints=view.limit_lines(results), comparisons=view.comparison_lines(results),
        metric=words(primary(results)), brief_yaml=brief_yaml(results), command=command(results),
        repeatable=repeatable(results), place=told.place, checked=told.checked, notes=told.notes,
        tests=sum(outcome == "passed" for outcome in told.checked.suite.values()),
        story=_story(told.material.files.get("report.md", b"").decode()), contributing=told.contributing,
        pictures={name: link for name, link in pictures.items() if link},
        files=sorted(map(str, told.place.files)), card=told.place.folder / "card.md",
    )  # fmt: skip
    return re.sub(r"\n{3,}", "\n\n", text).strip() + f"\n\n{mark(results.run)}\n"


def _story(report: str) -> str:
    """What the report says below its figures, which stand above already."""
    return report.partition(STORY)[2] or report


def mark(run: str) -> str:
    """Invisible where Markdown is shown; by it an update finds its pull request again."""
    return f"<!-- neuromosaic-run: {run} -->"


def marked(text: str) -> str | None:
    """The run that a pull request's text belongs to."""
    found = _MARK.search(text)
    return found[1] if found else None
