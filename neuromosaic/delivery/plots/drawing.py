"""A matplotlib figure as inline SVG: the same bytes every time, coloured by CSS variables, scaled to its place.

Each colour role has a hexadecimal stand-in that matplotlib draws with; `svg` turns it into `var(--role)`, so that one
plot serves light and dark pages.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 360.0, 265.0
"""Units of the usual plot: on a phone one unit is a little under a pixel."""

POINTS = 400
"""Most points that a line is drawn with."""

ROLES = ("ink", "soft", "rule", "one", "two", "three", "four", "limit", "on-strong")
"""Text, secondary text, grid; four colours of data (Okabe and Ito, 2008); limits; text on a strong colour."""

_STAND_IN = {role: f"#0a0b{number:02x}" for number, role in enumerate(ROLES, 16)}
_ROLE = {stand_in: role for role, stand_in in _STAND_IN.items()}

_STYLE: Any = {
    "svg.fonttype": "none", "svg.hashsalt": "neuromosaic", "text.parse_math": False, "font.family": "DejaVu Sans",
    "font.size": 10.5, "axes.titlesize": 11, "axes.labelsize": 10.5, "xtick.labelsize": 9.5, "ytick.labelsize": 9.5,
    "legend.fontsize": 9.5, "legend.frameon": False, "axes.spines.top": False, "axes.spines.right": False,
    "axes.linewidth": 0.8, "axes.unicode_minus": True, "axes.formatter.use_mathtext": False,
    "text.color": _STAND_IN["ink"], "axes.labelcolor": _STAND_IN["soft"], "axes.edgecolor": _STAND_IN["rule"],
    "xtick.color": _STAND_IN["rule"], "ytick.color": _STAND_IN["rule"], "xtick.labelcolor": _STAND_IN["soft"],
    "ytick.labelcolor": _STAND_IN["soft"], "grid.color": _STAND_IN["rule"], "grid.linewidth": 0.6,
    "axes.grid": True, "axes.axisbelow": True, "axes.facecolor": "none", "figure.facecolor": "none",
    "savefig.facecolor": "none", "xtick.major.size": 0, "ytick.major.size": 0, "xtick.minor.size": 0,
    "ytick.minor.size": 0, "lines.linewidth": 1.8, "legend.handlelength": 1.6, "legend.columnspacing": 1.2,
}  # fmt: skip


def color(role: str) -> str:
    return _STAND_IN[role]


def series(number: int) -> str:
    """The colour of the n-th of several lines."""
    return _STAND_IN[("one", "two", "three", "four")[number % 4]]


class Canvas:
    """One figure with its axes side by side: `with Canvas("Loss") as canvas: ...`, then `canvas.svg`.

    `label` is read out by screen readers; `name` must be unique on the page.
    """

    def __init__(self, name: str, label: str, width: float = WIDTH, height: float = HEIGHT, columns: int = 1) -> None:
        self._name, self._label = name, label
        self._width, self._height, self._columns = width, height, columns
        self.svg = ""

    def __enter__(self) -> Sequence[Axes]:
        import matplotlib
        from matplotlib.figure import Figure

        self._context = matplotlib.rc_context(_STYLE)
        self._context.__enter__()
        self._figure = Figure(figsize=(self._width / 72, self._height / 72), layout="constrained")
        self._figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02)  # type: ignore[union-attr, call-arg]
        return [self._figure.add_subplot(1, self._columns, place + 1) for place in range(self._columns)]

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self.svg = _inline(_drawn(self._figure), self._name, self._label)
        finally:
            self._context.__exit__(None, None, None)


def thinned(values: Sequence[Any]) -> list[Any]:
    """At most `POINTS` of the values, evenly spread, the last one always among them."""
    step = -(-len(values) // POINTS)
    kept = list(values[::step]) if step else []
    return kept if not kept or (len(values) - 1) % step == 0 else [*kept, values[-1]]


def legend_above(axes: Axes, columns: int = 2, order: Sequence[str] = ()) -> None:
    """A legend over the plot, where it hides nothing; entries in `order`, else as they were drawn."""
    known = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    labels = [label for label in order if label in known] or list(known)
    if labels:
        handles = [known[label] for label in labels]
        axes.legend(
            handles, labels, loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, borderaxespad=0.2, borderpad=0
        )


def log_scale(axis: Axis) -> None:
    """Plain numbers ("0.02", "20k") at a few places: 1, 2 and 5 of each decade where there is room."""
    from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

    axes = axis.axes
    (axes.set_xscale if axis is axes.xaxis else axes.set_yscale)("log")
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 150 * low else (1.0,)))
    axis.set_minor_formatter(NullFormatter())
    if high > 1000:
        axis.set_major_formatter(EngFormatter(sep=""))
    else:
        axis.set_major_formatter(lambda value, _: f"{value:g}")


def _drawn(figure: Figure) -> str:
    page = io.StringIO()
    with warnings.catch_warnings():  # the reader's browser has the characters that the measuring font lacks
        warnings.filterwarnings("ignore", r"Glyph .* missing from font", UserWarning)
        metadata = {"Date": None, "Creator": None, "Format": None, "Type": None}
        figure.savefig(page, format="svg", metadata=metadata)
    return page.getvalue()


def _inline(document: str, name: str, label: str) -> str:
    """The <svg> element alone, its ids made unique by `name`, its colours by role, as wide as its place."""
    from html import escape

    body = document[document.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>\s*", "", body, flags=re.DOTALL)
    body = re.sub(r'<g id="(?:[a-z0-9]+\.)*[a-zA-Z]+_\d+">', "<g>", body)
    body = re.sub(r'((?: id="| xlink:href="#|url\(#))', rf"\g<1>{name}-", body)
    body = re.sub(r"#0a0b1[0-9a-f]", lambda match: f"var(--{_ROLE[match.group()]})", body)
    body = re.sub(
        r'<svg [^>]*viewBox="([^"]*)"[^>]*>', rf'<svg viewBox="\1" role="img" aria-label="{escape(label)}">', body
    )
    return re.sub(r' (?:d|x|y|transform)="[^"]*"', _rounded, body).strip()


def _rounded(attribute: re.Match[str]) -> str:
    """Hundredths of a pixel are enough, and halve the page."""
    return re.sub(r"(\.\d{2})\d+", r"\1", attribute.group())
