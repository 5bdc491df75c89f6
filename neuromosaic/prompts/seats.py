"""The names of roles: the six seats, and those of the user's own who advise them."""

import difflib
import re
from typing import get_args

from neuromosaic.core.errors import RoleError
from neuromosaic.core.proposals import Adviser, RoleName, Seat

SEATS: tuple[Seat, ...] = get_args(Seat)
MISSPELT = 0.8
"""A name that is so like a seat's is meant to be that (`difflib`'s ratio): "Trianer" is, "DataArchitect" is not."""
OWN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{1,39}")


def seat_name(text: str) -> Seat:
    """The seat that is meant, however it is written ("test_architect"). Raises RoleError with a suggestion."""
    known = {_letters(name): name for name in SEATS}
    if found := known.get(_letters(text)):
        return found
    close = difflib.get_close_matches(_letters(text), known, n=1)
    hint = f"did you mean {known[close[0]]}?" if close else f"known: {', '.join(SEATS)}"
    raise RoleError(f"there is no role {text!r}: {hint}")


def named(text: str) -> RoleName:
    """A seat, or a role of the user's own: any other word that is not a seat's misspelt. Raises RoleError."""
    letters = {_letters(name) for name in SEATS}
    if difflib.get_close_matches(_letters(text), letters, n=1, cutoff=MISSPELT):
        return seat_name(text)
    if OWN_NAME.fullmatch(text):
        return Adviser(text)
    raise RoleError(f"{text!r} is no name of a role: write one word of letters, digits, - and _")


def file_name(role: RoleName) -> str:
    """`test_architect.md` for TestArchitect: what its file is called, built in and ejected."""
    return snake(role) + ".md"


def snake(role: RoleName) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in role).lstrip("_")


def _letters(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())
