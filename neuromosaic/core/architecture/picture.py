"""A spec as a picture, in SVG: no dependency, readable in light and dark surroundings."""

import itertools
from xml.sax.saxutils import escape

from neuromosaic.core.architecture.spec import ArchitectureSpec

WIDTH, HEIGHT, ACROSS, DOWN, MARGIN = 190, 44, 30, 34, 20
LANE = 10  # as wide as a box, for a connection that passes a row

Slot = str | tuple[str, str, int]
"""A box by its name, or the lane of a connection (source, target) through a row."""
Place = tuple[float, float]


def picture(spec: ArchitectureSpec) -> str:
    """Boxes from top to bottom, each layer below its inputs: name, type, output shape, parameters."""
    rows = _rows(spec)
    width = max(map(_extent, rows)) + 2 * MARGIN
    height = len(rows) * (HEIGHT + DOWN) - DOWN + 2 * MARGIN
    places = _placed(spec, rows, width / 2)
    arrows = [_arrow(_way(pair, places)) for pair in spec.connections]
    boxes = [_box(place, *_words(spec, slot)) for slot, place in places.items() if isinstance(slot, str)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif">',
            '<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" ',
            'orient="auto">',
            '<path d="M0 0L8 4L0 8z" fill="#667"/></marker></defs>',
            f'<rect width="{width}" height="{height}" fill="#fff"/>', *arrows, *boxes, "</svg>\n",
        ]
    )  # fmt: skip


def _rows(spec: ArchitectureSpec) -> list[list[Slot]]:
    """Boxes one below the lowest of their inputs, and lanes where a connection passes rows between."""
    depth = {x.name: 0 for x in spec.inputs}
    for layer in spec.layers:
        depth[layer.name] = 1 + max(depth[source] for source in spec.sources[layer.name])
    rows: list[list[Slot]] = [[] for _ in range(1 + max(depth.values()))]
    for name, row in depth.items():
        rows[row].append(name)
    for source, target in spec.connections:
        for row in range(depth[source] + 1, depth[target]):
            rows[row].append((source, target, row))
    return rows


def _placed(spec: ArchitectureSpec, rows: list[list[Slot]], middle: float) -> dict[Slot, Place]:
    """Middle and top of every slot: each row in the order of what it takes (barycentres: Sugiyama et al., 1981)."""
    places: dict[Slot, Place] = {}
    for number, row in enumerate(rows):
        ordered = sorted(row, key=lambda slot: _barycentre(spec, slot, places)) if number else row
        left, top = middle - _extent(row) / 2, MARGIN + number * (HEIGHT + DOWN)
        for slot in ordered:
            places[slot] = (left + _wide(slot) / 2, top)
            left += _wide(slot) + ACROSS
    return places


def _barycentre(spec: ArchitectureSpec, slot: Slot, places: dict[Slot, Place]) -> float:
    if isinstance(slot, tuple):
        source, target, row = slot
        above = [places.get((source, target, row - 1)) or places[source]]
    else:
        above = [_way((source, slot), places)[-1] for source in spec.sources[slot]]
    return sum(x for x, _ in above) / len(above)


def _way(pair: tuple[str, str], places: dict[Slot, Place]) -> list[Place]:
    """Where a connection comes by, from its source through its lanes; its target too, once that has its place."""
    source, target = pair
    lanes = sorted(
        (place for slot, place in places.items() if isinstance(slot, tuple) and slot[:2] == pair),
        key=lambda place: place[1],
    )
    return [places[source], *lanes, *([places[target]] if target in places else [])]


def _extent(row: list[Slot]) -> int:
    return sum(_wide(slot) + ACROSS for slot in row) - ACROSS


def _wide(slot: Slot) -> int:
    return WIDTH if isinstance(slot, str) else LANE


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


def _arrow(way: list[Place]) -> str:
    """Bent between two rows, straight through the lane of a row."""
    path, end = f"M{way[0][0]:g} {way[0][1] + HEIGHT:g}", ""
    for (x, y), (u, v) in itertools.pairwise(way):
        path += f"{end}C{x:g} {y + HEIGHT + DOWN:g} {u:g} {v - DOWN:g} {u:g} {v:g}"
        end = f"V{v + HEIGHT:g}"
    return f'<path d="{path}" fill="none" stroke="#667" marker-end="url(#head)"/>'
