"""What a network must be blind to, as far as the engineer's words say so."""

import re
from typing import Literal

from neuromosaic.core.brief import Brief, Contract

Symmetry = Literal["elements", "nodes", "shift", "padding"]
"""The order of a set's elements; the numbers of a graph's nodes, in its adjacency matrix; a shift of an image by a
pixel; what stands behind the end of a text."""

_WORDS: dict[Symmetry, str] = {
    "elements": r"unordered|in any order|permutation|point clouds?\b|\bsets? of (?!data)"
    r"|order (of \w+ (\w+ )?)?(does not|doesn't|must not|shall not) (matter|count)",
    "nodes": r"\badjacency\b",
    "shift": r"(translation|shift)([- ]| *is )?(invarian|equivarian)|(wherever|anywhere) (it|they|in the image)",
    "padding": r"\bpadd(ed|ing)\b",
}


def demanded(brief: Brief, contract: Contract) -> frozenset[Symmetry]:
    """Those that the words name and the contract can have."""
    words = f"{brief.sentence} {brief.hints}".lower()
    return frozenset(name for name, said in _WORDS.items() if _fits(name, contract) and re.search(said, words))


def _fits(symmetry: Symmetry, contract: Contract) -> bool:
    shape = contract.input.shape
    if contract.kind == "image":
        square = len(shape) == 3 and shape[0] == 1 and shape[1] == shape[2]
        return symmetry == "shift" or (symmetry == "nodes" and square)
    if contract.task == "language_modelling":
        return symmetry == "padding"  # elsewhere the whole text has one output, and no mask says where it ends
    return symmetry == "elements" and contract.kind == "sequence" and len(shape) == 2
