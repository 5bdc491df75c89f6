"""Where names stand beside their marks without covering each other."""

from dataclasses import dataclass, field
from typing import NamedTuple

HEIGHT = 14.0
"""Of a line of text, in units of a picture drawn at 11."""


class Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: "Box") -> bool:
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def within(self, other: "Box") -> bool:
        return (
            self.left >= other.left and self.right <= other.right
            and self.top >= other.top and self.bottom <= other.bottom
        )  # fmt: skip


@dataclass
class Labels:
    """`plot`: where labels may stand; `taken`: what they must not cover."""

    plot: Box
    taken: list[Box] = field(default_factory=list)

    def place(self, x: float, y: float, width: float, ends: tuple[float, float]) -> Box | None:
        """Beside the mark at (x, y), else above or below its whisker, which reaches from `ends[0]` down to `ends[1]`;
        None where there is no room. What it got is taken from then on."""
        tops = (y - HEIGHT / 2, y - 12 - HEIGHT, y + 12)
        wanted = [Box(x + 12, top, x + 12 + width, top + HEIGHT) for top in tops]
        wanted += [Box(x - 12 - width, top, x - 12, top + HEIGHT) for top in tops]
        middle = [Box(x - width / 2, top, x + width / 2, top + HEIGHT) for top in (ends[1] + 3, ends[0] - 3 - HEIGHT)]
        wanted += middle
        wanted += [box._replace(left=box.left + shift, right=box.right + shift) for box in middle
                   for shift in (width / 2, -width / 2)]  # fmt: skip
        for box in wanted:
            if box.within(self.plot) and not any(map(box.meets, self.taken)):
                self.taken.append(box)
                return box
        return None


def text_width(said: str) -> float:
    """A little more than a line of sans-serif text at size 11 takes."""
    return 5.9 * len(said)
