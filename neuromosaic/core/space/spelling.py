"""A guess at what was meant, for the messages of spaces and registrations."""

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """ " (did you mean 'width'?)" where one of `known` is close to `name`; else what is known, at most 12 of them."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f" (did you mean {close[0]!r}?)"
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return f" (known: {', '.join(map(repr, names[:12]))}{more})" if names else ""
