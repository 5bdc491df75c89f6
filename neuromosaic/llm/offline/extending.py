"""Extends a given network: what it computes stays, and a small part that begins at nothing learns to correct it."""

import math

from neuromosaic.core.proposals import FamilyProposal
from neuromosaic.core.role_inputs import ExtensionInputs
from neuromosaic.core.space.parameters import parse_space
from neuromosaic.llm.offline.writing import environment, facts

WIDTHS = (32, 16, 8, 4)
"""Of the correction; a repair takes the next."""
RANKS = (8, 4, 2, 1)
"""Likewise of low-rank parts."""
LAYERED = "from transformers import"
"""What a given module of many linear layers says, which is worth low-rank parts inside."""
PLACES = {"beside it, on its inputs": False, "behind it, on its outputs": True}


def propose_extension(inputs: ExtensionInputs) -> FamilyProposal:
    """Two kinds in turn: a branch that sees the inputs, an adapter that sees the outputs; narrower after findings.

    Of a network of the Transformers library: low-rank parts inside it, and an adapter that sees the outputs.
    """
    if LAYERED in inputs.given and (inputs.slot + inputs.round) % 2:
        return _low_rank(inputs)
    places = list(PLACES)
    place = places[-1] if LAYERED in inputs.given else places[(inputs.slot + inputs.round) % len(places)]
    widest = _width(inputs)
    space = {
        "width": {"type": "int", "min": 4, "max": max(8, 2 * widest), "step": 4},
        "depth": {"type": "int", "min": 0, "max": 3},
        "dropout": {"type": "float", "min": 0.0, "max": 0.3},
    }
    return FamilyProposal(
        name=f"{inputs.entry} with a part {place.partition(',')[0]}" + _variant(inputs),
        source=_source(inputs, PLACES[place], widest),
        space=parse_space(space),
        rationale=f"Keeps {inputs.entry} as it is and adds a part {place}, which begins at nothing: "
        "what it had learnt stays, what it misses can be learnt.",
    )


def _low_rank(inputs: ExtensionInputs) -> FamilyProposal:
    tried = [rank for rank in RANKS if f"rank: int = {rank}," in (inputs.previous or "")]
    rank = RANKS[min(RANKS.index(tried[0]) + 1, len(RANKS) - 1)] if tried else RANKS[0]
    known = {**facts(inputs.contract), "given": _with_imports(inputs.given), "entry": inputs.entry, "rank": rank}
    space = {
        "rank": {"type": "int", "min": 1, "max": 2 * rank},
        "bent": {"type": "bool"},
        "attention": {"type": "bool"},
        "dropout": {"type": "float", "min": 0.0, "max": 0.3},
    }
    return FamilyProposal(
        name=f"{inputs.entry} with low-rank parts" + _variant(inputs),
        source=environment().get_template("families/low_rank.txt").render(known),
        space=parse_space(space),
        rationale=f"Keeps every layer of {inputs.entry} as it was trained and learns a narrow path beside each: "
        "LoRA, or adapters where the path is bent.",
    )


def _variant(inputs: ExtensionInputs) -> str:
    return f", round {inputs.round + 1}" if inputs.round else ""


def _width(inputs: ExtensionInputs) -> int:
    """The widest that the findings of the previous one leave."""
    tried = [width for width in WIDTHS if f"width: int = {width}," in (inputs.previous or "")]
    if not tried:
        return WIDTHS[min(1, inputs.slot // len(PLACES))]
    return WIDTHS[min(WIDTHS.index(tried[0]) + 1, len(WIDTHS) - 1)]


def _source(inputs: ExtensionInputs, after: bool, width: int) -> str:
    contract = inputs.contract
    shape = contract.input.shape
    known = {
        **facts(contract), "given": _with_imports(inputs.given), "entry": inputs.entry, "after": after,
        "width": width,
        "image": contract.kind == "image" and len(shape) == 3, "shape": shape, "size": math.prod(shape),
        "pooled": 4 if len(shape) == 3 and min(shape[1:]) >= 8 else 1, "vocabulary": contract.input.upper or 2,
    }  # fmt: skip
    return environment().get_template("families/extension.txt").render(known)


def _with_imports(given: str) -> str:
    """The names that the new part needs, whatever the given file calls them."""
    lines = given.strip("\n").split("\n")
    needed = [line for line in ("import torch", "from torch import nn") if line not in lines]
    return "\n".join([*_after_docstring(lines, needed)])


def _after_docstring(lines: list[str], needed: list[str]) -> list[str]:
    first = next((number for number, line in enumerate(lines) if line.startswith(("import ", "from "))), 0)
    behind = next((n + 1 for n, line in enumerate(lines) if line.startswith("from __future__")), first)
    return [*lines[:behind], *needed, *lines[behind:]]
