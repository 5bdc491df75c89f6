"""Numbers as people write them: "20k", "0.2M", "200,000", "2e5", "1.5 million", "ten", "95%"."""

import re

from neuromosaic.core.errors import BriefError

_WORDS = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
    "twenty",
]  # fmt: skip
_SCALES = {
    "k": 1e3, "thousand": 1e3, "m": 1e6, "mio": 1e6, "million": 1e6, "mn": 1e6, "b": 1e9, "bn": 1e9, "g": 1e9,
    "billion": 1e9, "t": 1e12, "hundred": 1e2, "dozen": 12.0,
}  # fmt: skip

_DIGITS = r"(?:\d{1,3}(?:[,_' ]\d{3})+(?!\d)(?:\.\d+)?|\d+(?:[.,]\d+)?|\.\d+)(?:e[+-]?\d+)?"
_SUFFIX = r"(?:\s*(?:million|billion|thousand|hundred|dozen|mio|mn|bn)s?\b|[kmbgt](?![a-z]))"

NUMBER = rf"(?:(?<![\w.])-)?(?:(?<![\w.]){_DIGITS}|\b(?:{'|'.join(_WORDS)})\b){_SUFFIX}?"
"""A number: digits with separators, or a word up to twenty; a scale."""

_PARTS = re.compile(
    rf"(?P<sign>-)?(?P<number>{_DIGITS}|{'|'.join(_WORDS)})\s*(?:(?P<scale>{'|'.join(_SCALES)})s?)?", re.IGNORECASE
)


def number(text: str, what: str = "a quantity") -> float:
    """The value of what `NUMBER` matched. Raises BriefError, naming `what`, where it is negative."""
    parts = _PARTS.fullmatch(text.strip())
    if parts is None:
        raise BriefError(f"{what}: {text.strip()!r} is no number")
    value = _plain(parts["number"]) * _SCALES.get((parts["scale"] or "").lower(), 1.0)
    if parts["sign"] and value:
        raise BriefError(f"{what}: {text.strip()!r} is negative; give a limit of zero or more")
    return round(value, 9)


def whole(text: str, what: str) -> int:
    """The value as an integer. Raises BriefError where it is none, or negative."""
    value = number(text, what)
    if value != int(value):
        raise BriefError(f"{what}: {text.strip()!r} is no whole number; give one")
    return int(value)


def _plain(text: str) -> float:
    if text.lower() in _WORDS:
        return float(_WORDS.index(text.lower()))
    if re.fullmatch(r"\d{1,3}(?:[,_' ]\d{3})+(?:\.\d+)?(?:e[+-]?\d+)?", text, re.IGNORECASE):
        return float(re.sub(r"[,_' ]", "", text))
    return float(text.replace(",", "."))
