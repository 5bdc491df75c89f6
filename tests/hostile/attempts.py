"""The corpus: each attempt is a complete model.py, with its attack between the comments `# attack` and `# end`.

The first sentence of its docstring says what it tries. A comment `# play: NAME` says how it is played (plays.py;
"export" if there is none), `# seconds: N` how long one job of it may take.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent
CATEGORIES: Final = (
    "reach", "files", "host", "network", "processes", "resources", "tampering", "graph",
)  # fmt: skip
SECONDS: Final = 20.0
ATTACK: Final = re.compile(r"^ *# attack\n.*?^ *# end\n", re.MULTILINE | re.DOTALL)
PLACE: Final = re.compile(r"@([A-Z_]+)@")


@dataclass(frozen=True)
class Attempt:
    """One file of the corpus. `seconds`: the most that one job of it may take."""

    category: str
    name: str
    source: str
    play: str
    seconds: float

    @property
    def sentence(self) -> str:
        return (ast.get_docstring(ast.parse(self.source)) or "").partition("\n\n")[0]

    @property
    def disarmed(self) -> str:
        """The same module without its attack."""
        return ATTACK.sub("", self.source)

    def armed(self, places: Mapping[str, object]) -> str:
        """The source with the traps' paths, ports and process ids where it says @NAME@."""
        return PLACE.sub(lambda match: str(places[match[1]]), self.source)

    def __str__(self) -> str:
        return f"{self.category}/{self.name}"


def attempts(*categories: str) -> list[Attempt]:
    """All of these categories (of all, where none is named), in the order of their names."""
    return [attempt for category in categories or CATEGORIES for attempt in _of(category)]


def sample(each: int) -> list[Attempt]:
    """So many of each category, spread evenly over it, and quick ones."""
    return [attempt for category in CATEGORIES for attempt in _spread(list(_of(category)), each)]


def _spread(found: list[Attempt], wanted: int) -> list[Attempt]:
    quick = [attempt for attempt in found if attempt.seconds <= 2 or attempt.category != "resources"]
    return [quick[number * len(quick) // wanted] for number in range(wanted)]


def _of(category: str) -> Iterator[Attempt]:
    for path in sorted((FOLDER / category).glob("*.py")):
        source = path.read_text(encoding="utf-8")
        seconds = float(_remark(source, "seconds") or SECONDS)
        yield Attempt(category, path.stem, source, _remark(source, "play") or "export", seconds)


def _remark(source: str, name: str) -> str | None:
    found = re.search(rf"^# {name}: (\S+)$", source, re.MULTILINE)
    return found[1] if found else None
