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
from neuromosaic.delivery.text import chosen, headline, metric_with_interval, primary, rows, variant_file, words
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
        variants=_variants(delivery),
    )
    return card_header(delivery) + re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _variants(delivery: Delivery) -> list[dict[str, Any]]:
    """The files with weights of fewer bits, each beside the network that it was made from."""
    best, metric = chosen(delivery.results), primary(delivery.results)
    known = {one.id: one for one in (best, *delivery.results.pareto) if one}
    made = [(one, known[one.made_from]) for one in delivery.results.pareto if one.made_from in known]
    return [
        {
            "file": variant_file(one, best), "numbers": one.numbers, "bytes": one.weights_bytes,
            "network": "this network" if original.id == best.id else original.name,
            "metric": metric_with_interval(one, metric), "of": original.weights_bytes,
            "own": metric_with_interval(original, metric), "times": one.latency_ms.p50 / original.latency_ms.p50,
        }
        for one, original in made if best and variant_file(one, best) in delivery.variants
    ]  # fmt: skip


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
