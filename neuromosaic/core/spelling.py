"""How error messages guess what was meant."""

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """ " (did you mean 'iris'?)" where one of `known` is close to `name`, else nothing."""
    folded = {other.lower(): other for other in known}
    close = difflib.get_close_matches(name.lower(), list(folded), n=1, cutoff=0.6)
    return f" (did you mean {folded[close[0]]!r}?)" if close else ""


def suggest(name: str, known: Iterable[str]) -> str:
    """The same; where nothing is close, what is known: " (known: 'depth', 'width')", at most 12 names."""
    names = sorted(known)
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    listed = f" (known: {', '.join(map(repr, names[:12]))}{more})" if names else ""
    return did_you_mean(name, names) or listed
