"""Pieces of SVG that are drawn as text: colours by role, so that one picture serves light and dark pages."""

from html import escape


def line(x: float, y: float, u: float, v: float, colour: str, width: float, dashes: str = "") -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<path d="M{x:.1f} {y:.1f}L{u:.1f} {v:.1f}" stroke="var(--{colour})" stroke-width="{width:g}"{dashed}/>'


def text(x: float, y: float, said: str, colour: str, anchor: str = "", weight: str = "") -> str:
    """`anchor` "middle" or "end": what of the text stands at (x, y); what is said is escaped."""
    more = (f' text-anchor="{anchor}"' if anchor else "") + (f' font-weight="{weight}"' if weight else "")
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="var(--{colour})"{more}>{escape(said)}</text>'


def cut(said: str, most: int) -> str:
    """At most so many characters."""
    return said if len(said) <= most else f"{said[: most - 1]}…"
