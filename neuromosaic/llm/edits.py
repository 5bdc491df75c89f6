"""Files sent as edits of what stands there: search and replace, for replies that change little of much.

    <<<<<<< SEARCH
    lines as they stand in the file
    =======
    lines to stand there instead
    >>>>>>> REPLACE

What cannot be applied exactly once is told, so that the whole file is sent instead.
"""

import re

SEARCH = re.compile(r"<{5,9} ?SEARCH\s*")
MIDDLE = re.compile(r"={5,9}\s*")
REPLACE = re.compile(r">{5,9} ?REPLACE\s*")


class EditError(ValueError):
    """An edit that cannot be applied; says which and what to do."""


def are_edits(content: str) -> bool:
    """Whether a block holds edits rather than a file."""
    return any(SEARCH.fullmatch(line) for line in content.split("\n"))


def applied(content: str, original: str) -> str:
    """`original` with the edits of `content` made one after the other.

    Blanks at the ends of lines do not count. Raises EditError where a search is not found exactly once.

    >>> edits = '''<<<<<<< SEARCH
    ... width = 8
    ... =======
    ... width = 16
    ... >>>>>>> REPLACE'''
    >>> applied(edits, "depth = 2\\nwidth = 8\\n")
    'depth = 2\\nwidth = 16\\n'
    """
    lines = original.split("\n")
    for number, (wanted, instead) in enumerate(_edits(content), 1):
        at = _place(lines, wanted, number)
        lines[at : at + len(wanted)] = instead
    return "\n".join(lines)


def _edits(content: str) -> list[tuple[list[str], list[str]]]:
    """Pairs of lines to find and lines to stand there instead."""
    found: list[tuple[list[str], list[str]]] = []
    side = -1  # of the edit at hand: 0 to find, 1 to stand there instead; -1 between edits
    for line in content.split("\n"):
        if side == -1 and SEARCH.fullmatch(line):
            found.append(([], []))
            side = 0
        elif side == 0 and MIDDLE.fullmatch(line):
            side = 1
        elif side == 1 and REPLACE.fullmatch(line):
            side = -1
        elif side >= 0:
            found[-1][side].append(line)
    if side >= 0:
        raise EditError(f"edit {len(found)} is cut off: it ends with a line >>>>>>> REPLACE; send the whole file")
    return found


def _place(lines: list[str], wanted: list[str], number: int) -> int:
    """The one line at which `wanted` begins."""
    bare, sought = [line.rstrip() for line in lines], [line.rstrip() for line in wanted]
    if not any(sought):
        raise EditError(f"edit {number} searches for nothing: send the whole file")
    places = [at for at in range(len(bare)) if bare[at : at + len(sought)] == sought]
    if len(places) != 1:
        told = f"is there {len(places)} times" if places else "is not in the file"
        raise EditError(f"what edit {number} searches for, from {wanted[0].strip()!r}, {told}: send the whole file")
    return places[0]
