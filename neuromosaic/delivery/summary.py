"""`report.md`: the answer, then what a reviewer asks next; and the plots as files of their own."""

import re
from typing import Any

from neuromosaic.delivery import view
from neuromosaic.delivery.contents import Delivery
from neuromosaic.delivery.limits import limits_of_evidence
from neuromosaic.delivery.plots.architecture import layer_rows
from neuromosaic.delivery.plots.learning import metric_curves
from neuromosaic.delivery.plots.pareto import PARAMETERS, WIDE, metric_against
from neuromosaic.delivery.templates import style, template
from neuromosaic.delivery.text import entries, headline, primary, rows, words

STORY = "<!-- what a reviewer asks next -->"
"""From here on it is what a pull request tells below its own figures."""


def summary(delivery: Delivery) -> str:
    """Markdown; whatever a person or a model has written is escaped."""
    results = delivery.results
    headers, body = rows(results)
    text = template("report.md.j2").render(
        delivery=delivery, results=results, headline=headline(results), headers=headers, body=body,
        constraints=view.limit_lines(results), comparisons=view.comparison_lines(results),
        metric=words(primary(results)), pictures=list(pictures(delivery)), mark=STORY,
        layers=layer_rows(delivery.graph) if delivery.graph else [],
        grid=[_row(name, verdicts) for name, verdicts in view.gate_grid(delivery)],
        findings=view.gate_findings(delivery), spent=view.spent(delivery), limits=limits_of_evidence(delivery),
        decisions=view.decisions(delivery), trials=len(delivery.history.trials),
        survivors=[row for row in delivery.mutants if row["fate"] == "survived"],
        killed=sum(row["fate"] == "killed" for row in delivery.mutants),
    )  # fmt: skip
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def pictures(delivery: Delivery) -> dict[str, str]:
    """The trade-off and the learning curves by file name; a plot with nothing to show is left out."""
    metric = primary(delivery.results)
    curves = {entry.candidate.name: delivery.curves[entry.candidate.id] for entry in entries(delivery.results)
              if delivery.curves.get(entry.candidate.id)}  # fmt: skip
    drawn = {
        "pareto.svg": metric_against(delivery.results, PARAMETERS, "size", delivery.history.trials, WIDE),
        "learning.svg": metric_curves(curves, "metric", metric),
    }
    return {name: _alone(svg) for name, svg in drawn.items() if svg}


def _alone(svg: str) -> str:
    """An inline plot as a document of its own, light or dark as its reader's screen."""
    colors = re.match(r":root \{.*?\n\}\n@media.*?\n\}\n", style(), re.DOTALL)
    assert colors is not None  # our own file
    root = re.match(r"<svg [^>]*>", svg)
    assert root is not None  # our own drawing
    opened = root.group().replace(
        "<svg ", '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="720" ', 1
    )
    rule = "svg { background: var(--card); font-family: sans-serif; }"
    return f"{opened}\n<style>\n{colors.group()}{rule}\n</style>\n{svg[root.end() :]}\n"


def _row(name: str, verdicts: Any) -> tuple[str, str]:
    """A family, and how far it came."""
    refused = next((verdict.gate for verdict in verdicts if verdict is not None and not verdict.passed), None)
    return name, f"dropped at {refused}" if refused else "passed the ladder"
