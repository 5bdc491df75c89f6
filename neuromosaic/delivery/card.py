"""`card.md`: the model card."""

import re
from typing import Any

from neuromosaic.core.evaluation.data.preprocessing import Preprocessing
from neuromosaic.delivery import view
from neuromosaic.delivery.card_header import card_header
from neuromosaic.delivery.contents import Delivery
from neuromosaic.delivery.limits import limits_of_evidence
from neuromosaic.delivery.reproducing import brief_yaml, command, repeatable
from neuromosaic.delivery.templates import template
from neuromosaic.delivery.text import chosen, headline, primary, rows, words
from neuromosaic.delivery.usage import snippet


def card(delivery: Delivery) -> str:
    """Markdown below its YAML header; whatever a person or a model has written is escaped."""
    headers, body = rows(delivery.results)
    text = template("card.md.j2").render(
        **shared(delivery),
        headers=headers,
        body=body,
        metric=words(primary(delivery.results)),
        usage=snippet(Preprocessing.model_validate_json(delivery.preprocessing)),
    )
    return card_header(delivery) + re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def shared(delivery: Delivery) -> dict[str, Any]:
    """What the card and the report both say."""
    results = delivery.results
    return {
        "delivery": delivery, "results": results, "best": chosen(results), "headline": headline(results),
        "constraints": view.limit_lines(results), "comparisons": view.comparison_lines(results),
        "figures": view.figures(results), "limits": limits_of_evidence(delivery), "spent": view.spent(delivery),
        "brief_yaml": brief_yaml(results), "command": command(results), "repeatable": repeatable(results),
        "notes": list(dict.fromkeys([*delivery.notes, *delivery.history.notes])),
    }  # fmt: skip
