"""The form of what the offline reader understands: patterns, and what a match says of the brief."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Facts = dict[str, Any]
"""Dotted fields of a brief, and sizes that only together make one ("size", "channels", "steps", ...)."""

Match = re.Match[str]

AT_MOST = (
    r"under|below|at most|no more than|not more than|fewer than|less than|lower than|smaller than|up to|within|"
    r"not exceeding|not over|limited to|capped at|max(?:imum|imal|imally)?(?: of)?\b|<=?|about|around|roughly|~|only"
)
AT_LEAST = (
    r"at least|above|over|more than|no less than|not less than|greater than|higher than|better than|beyond|"
    r"exceeding|min(?:imum|imal|imally)?(?: of)?\b|>=?|reach(?:es|ing)?"
)
BOUND = rf"(?:(?P<bound>(?:{AT_MOST})|(?:{AT_LEAST}))\s*)?"
IS = r"(?:\s*(?:of|is|are|be|must be|should be|to be|stays?|:|=))?\s*"
AFTER = r"(?:\s*(?:at most|max(?:imum|imal)?|or less|or fewer|limit|budget)\b)?"

STOP = (
    r"with|under|in|on|at|from|using|by|into|for|to|as|and|or|below|within|than|over|above|max|that|which|where|"
    r"having|per|of|a|an|the|via|given|fewer|less|more|no|not|is|are|has|have|must|should|up|out|so|but"
)
THING = rf"(?:(?!(?:{STOP})\b)[a-z][a-z'-]*)"
OBJECT = (
    rf"(?:\s+(?:the|a|an|my|these|its|their)\b)?(?:\s+{THING}){{1,3}}"
    rf"(?:\s+of(?:\s+(?:the|a|an))?(?:\s+{THING}){{1,2}})?"
)
"""What a verb is about: some words up to the next preposition. They describe the data, which speak for themselves."""


@dataclass(frozen=True)
class Rule:
    """`reads` gives what a match says, or None where it says nothing that can be used; then its words stay.

    `weak`: gives way to anything else that is said of the same.
    """

    pattern: re.Pattern[str]
    reads: Callable[[Match], Facts | None]
    weak: bool = False


def rule(pattern: str, reads: Callable[[Match], Facts | None], weak: bool = False) -> Rule:
    return Rule(re.compile(pattern, re.IGNORECASE), reads, weak)


def is_lower(match: Match) -> bool:
    """Whether the match is bounded from below."""
    return re.fullmatch(AT_LEAST, match["bound"] or "", re.IGNORECASE) is not None
