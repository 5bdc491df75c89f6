"""A spec as a picture, in SVG: no dependency, readable in light and dark surroundings."""

from collections import defaultdict
from xml.sax.saxutils import escape

from neuromosaic.core.architecture.spec import ArchitectureSpec

WIDTH, HEIGHT, ACROSS, DOWN, MARGIN = 190, 44, 30, 34, 20


def picture(spec: ArchitectureSpec) -> str:
    """Boxes from top to bottom, each layer below its inputs: name, type, output shape, parameters."""
    rows = _rows(spec)
    widest = max(len(row) for row in rows)
    width = widest * (WIDTH + ACROSS) - ACROSS + 2 * MARGIN
    height = len(rows) * (HEIGHT + DOWN) - DOWN + 2 * MARGIN
    places = {
        name: (width / 2 + (n - (len(row) - 1) / 2) * (WIDTH + ACROSS), MARGIN + depth * (HEIGHT + DOWN))
        for depth, row in enumerate(rows) for n, name in enumerate(row)
    }  # fmt: skip
    arrows = [_arrow(places[source], places[target]) for source, target in spec.connections]
    boxes = [_box(places[name], *_words(spec, name)) for name in places]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif">',
            '<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" ',
            'orient="auto">',
            '<path d="M0 0L8 4L0 8z" fill="#667"/></marker></defs>',
            f'<rect width="{width}" height="{height}" fill="#fff"/>', *arrows, *boxes, "</svg>\n",
        ]
    )  # fmt: skip


def _rows(spec: ArchitectureSpec) -> list[list[str]]:
    depth = {x.name: 0 for x in spec.inputs}
    for layer in spec.layers:
        depth[layer.name] = 1 + max(depth[source] for source in spec.sources[layer.name])
    rows: dict[int, list[str]] = defaultdict(list)
    for name, row in depth.items():
        rows[row].append(name)
    return [rows[row] for row in sorted(rows)]


def _words(spec: ArchitectureSpec, name: str) -> tuple[str, str, str]:
    for x in spec.inputs:
        if x.name == name:
            return name, "input  " + "x".join(map(str, x.shape)), "#e8eefc"
    layer = next(x for x in spec.layers if x.name == name)
    cost = spec.infer().layers[name]
    title = name if name.startswith(layer.type) else f"{name}: {layer.type}"
    told = f"{'x'.join(map(str, cost.output.shape))}  {cost.parameters:,} parameters"
    return title, told, "#fdf3dc" if cost.parameters else "#f2f2f2"


def _box(place: tuple[float, float], title: str, told: str, colour: str) -> str:
    x, y = place
    return (
        f'<rect x="{x - WIDTH / 2:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}" rx="6" fill="{colour}" '
        f'stroke="#99a"/>'
        f'<text x="{x:g}" y="{y + 18:g}" text-anchor="middle" font-size="13">{escape(title)}</text>'
        f'<text x="{x:g}" y="{y + 34:g}" text-anchor="middle" font-size="11" fill="#556">{escape(told)}</text>'
    )


def _arrow(source: tuple[float, float], target: tuple[float, float]) -> str:
    """Beside the boxes between, where it passes several rows."""
    (x, y), (u, v) = source, target
    start, bend = y + HEIGHT, DOWN
    far = v - start > DOWN + 1
    side = WIDTH / 2 + ACROSS / 2 if far and abs(x - u) < 1 else 0
    path = f"M{x:g} {start:g}C{x + 2 * side:g} {start + bend:g} {u + 2 * side:g} {v - bend:g} {u:g} {v:g}"
    return f'<path d="{path}" fill="none" stroke="#667" marker-end="url(#head)"/>'
