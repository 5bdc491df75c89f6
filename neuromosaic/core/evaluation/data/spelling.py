"""How error messages list what there is and guess what was meant."""

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """ " (did you mean 'iris'?)" where one of `known` is close to `name`, else nothing."""
    folded = {other.lower(): other for other in known}
    close = difflib.get_close_matches(name.lower(), list(folded), n=1, cutoff=0.6)
    return f" (did you mean {folded[close[0]]!r}?)" if close else ""


def listed(names: Iterable[object], most: int = 12) -> str:
    """`'a', 'b', 'c' and 7 more`."""
    shown = [repr(name) for name in names]
    rest = f" and {len(shown) - most} more" if len(shown) > most else ""
    return ", ".join(shown[:most]) + rest


def sized(shape: Iterable[int]) -> str:
    """`1x28x28`."""
    return "x".join(map(str, shape))
