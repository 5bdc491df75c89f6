"""Proposes a loss where the engineer's words or the data give a reason for one that the catalogue has not."""

import re
from typing import Any, NamedTuple

from neuromosaic.core.brief import Contract
from neuromosaic.core.role_inputs import Inputs
from neuromosaic.llm.offline.quantities import NUMBER, number
from neuromosaic.llm.offline.writing import environment

RARE = 10.0
"""Largest class over smallest, from which on weights of classes alone would count a few examples very much."""

_ORDERED = re.compile(
    r"\bordinal\b|\bordered (class|categor|label|grade|level|rating)\w*|\bstar ratings?\b"
    r"|\b(neighbou?ring|adjacent|near) (class|grade|level|rating)\w* (is|are|count)"
)
_NOISY = re.compile(
    r"\bnoisy (label|annotation|target)s?|\blabel noise|\bmis-?labell?ed"
    r"|\b(labels?|annotations?) (is|are|may be|can be|were) (sometimes |often |partly )?(noisy|wrong|unreliable)"
    r"|\b(wrong|unreliable) (label|annotation)s?"
)
_UNEQUAL = re.compile(
    r"\b(?P<side>under|over)[- ]?(?:estimat|predict|forecast)\w*\b[^.;]{0,40}?"
    rf"(?:\btwice\b|(?P<factor>{NUMBER})[- ]?(?:times|x)\b)"
)


class Reason(NamedTuple):
    """Which loss of `losses`, why in words, and what its template says."""

    loss: str
    why: str
    facts: dict[str, Any]


def propose_loss(inputs: Inputs) -> tuple[str, str] | None:
    """The source of a loss and the reason for it in a sentence; None where there is none."""
    reason = _reason(inputs)
    if reason is None:
        return None
    return environment().get_template(f"losses/{reason.loss}.txt").render(reason.facts), reason.why


def _reason(inputs: Inputs) -> Reason | None:
    said = f"{inputs.brief.sentence} {inputs.brief.hints}".lower()
    match inputs.contract.task:
        case "regression" | "forecasting":
            return _unequal(said)
        case "classification":
            return _of_classes(inputs, said)
        case _:
            return None


def _of_classes(inputs: Inputs, said: str) -> Reason | None:
    if _ORDERED.search(said) and _in_order(inputs.data.classes, inputs.contract):
        return Reason("ordered_classes", "The classes have an order, which cross-entropy does not see.", {})
    if _NOISY.search(said):
        return Reason("noisy_labels", "Some labels are wrong, and cross-entropy would learn these hardest.", {})
    counts = inputs.data.class_counts
    if inputs.data.imbalance < RARE:
        return None
    facts = {"counts": [max(1, count) for count in counts], "beta": round(1 - 1 / max(counts), 6)}
    why = f"The largest class has {inputs.data.imbalance:.0f} times the examples of the smallest."
    return Reason("rare_classes", why, facts)


def _in_order(names: tuple[str, ...], contract: Contract) -> bool:
    """Whether the classes are numbered by their order: names that are words are numbered by the alphabet."""
    if contract.output.shape[-1] < 3:
        return False
    try:
        values = [float(name) for name in names]
    except ValueError:
        return False
    return values == sorted(values)


def _unequal(said: str) -> Reason | None:
    found = _UNEQUAL.search(said)
    if found is None:
        return None
    factor = number(found["factor"], "the factor") if found["factor"] else 2.0
    if factor <= 1:
        return None
    share = factor / (factor + 1)
    under = found["side"] == "under"
    facts = {"below": round(share if under else 1 - share, 6), "factor": f"{factor:g}",
             "costly": "below" if under else "above"}  # fmt: skip
    why = f"What lies {facts['costly']} the truth costs {factor:g} times as much, which the mean error does not see."
    return Reason("unequal_errors", why, facts)
