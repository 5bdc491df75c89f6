"""The delivered network as a picture: its layers from top to bottom, blocks framed, what is repeated drawn once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from html import escape
from itertools import groupby
from typing import NamedTuple

from neuromosaic.core.graph.document import Graph
from neuromosaic.core.graph.outline import Layer, outline
from neuromosaic.delivery.narration import number
from neuromosaic.delivery.plots.svg import cut, line, text

WIDTH, BOX, LEFT = 360.0, 284.0, 14.0
ROW, GAP, HEAD = 40.0, 14.0, 20.0
"""Of a box, between two, and of a frame's title."""
MOST = 26
"""Boxes: where there are more, each block becomes one."""
LANES = 6
"""Of connections that pass boxes by, beside each other."""

Shape = tuple[int | None, ...]


class Block(NamedTuple):
    """Layers of one submodule that follow on each other; `times` it comes like this, one after the other."""

    name: str
    layers: tuple[int, ...]
    times: int = 1


class Row(NamedTuple):
    """One box: its first operation, the others, and its `path` within the `block` that frames it ("" for none).

    `stands_for`: the places of all layers that it is drawn for.
    """

    title: str
    path: str
    then: tuple[str, ...]
    shape: Shape
    parameters: int
    stands_for: tuple[int, ...]
    block: str = ""


def architecture(graph: Graph, name: str = "architecture") -> str:
    """SVG of a graph: each layer with its operations, the shape that it gives for one example, and its parameters."""
    layers = outline(graph)
    blocks = _blocks(layers)
    inputs = [tuple(entry["shape"]) for entry in graph.document["inputs"]]
    times = {block.name: block.times for block in blocks}
    return _Picture(layers, _few(_all_rows(layers, blocks)), inputs, times, name).drawn()


def layer_rows(graph: Graph) -> list[tuple[str, str, str, str]]:
    """The same in words: (where in model.py, operations, shape for one example, parameters of all repetitions)."""
    layers = outline(graph)
    blocks = _blocks(layers)
    times = {block.name: block.times for block in blocks}
    return [
        (
            ".".join(filter(None, (row.block, row.path))) + _repeated(times.get(row.block, 1)),
            _proper("; ".join((row.title, *row.then))), _size(row.shape), number(row.parameters),
        )
        for row in _few(_all_rows(layers, blocks))
    ]  # fmt: skip


# ---------------------------------------------------------------- what is drawn


def _blocks(layers: Sequence[Layer]) -> list[Block]:
    """Neighbours of one submodule together; a block like the one before it is counted there."""
    deep = {block_name(layer.path) for layer in layers if layer.path.count(".") > 1}
    found: list[Block] = []
    for name, places in groupby(_placed(layers, deep), lambda pair: pair[0]):
        block = Block(name, tuple(place for _, place in places))
        if found and name and _repeats(layers, found[-1], block):
            block = Block(found[-1].name, found[-1].layers + block.layers, found.pop().times + 1)
        found.append(block)
    return found


def _placed(layers: Sequence[Layer], deep: Set[str]) -> list[tuple[str, int]]:
    """(block, place) of each layer; what a block's own forward does ("late.0") is part of it."""
    return [(x.path if x.path in deep else block_name(x.path), place) for place, x in enumerate(layers)]


def block_name(path: str) -> str:
    """The submodule that a layer is counted to: "late.0" of "late.0.conv1", "stem" of "stem.0"."""
    parts = path.split(".")
    return ".".join(parts[:2]) if len(parts) > 2 or (len(parts) == 2 and not parts[1].isdigit()) else parts[0]


def _repeats(layers: Sequence[Layer], before: Block, block: Block) -> bool:
    """Whether a block does the same as the one that it follows on."""
    first = before.layers[: len(before.layers) // before.times]
    looks = [[(layers[n].words, layers[n].shape, layers[n].parameters) for n in own] for own in (first, block.layers)]
    return looks[0] == looks[1]


def _rows(layers: Sequence[Layer], block: Block) -> Iterator[Row]:
    """A box for each layer of a block, the first of its repetitions."""
    size = len(block.layers) // block.times
    framed = block.name if size > 1 and "." in block.name else ""
    for place in range(size):
        stands_for = block.layers[place::size]
        layer = layers[stands_for[0]]
        path = layer.path.removeprefix(f"{framed}.") if framed else layer.path
        inside = "" if path == framed else path
        count = sum(layers[n].parameters for n in stands_for)
        yield Row(layer.words[0], inside, layer.words[1:], layer.shape, count, stands_for, framed)


def _folded(layers: Sequence[Layer], block: Block) -> Row:
    """A whole block as one box: where there are too many layers to read."""
    own = [layers[place] for place in block.layers]
    if len(own) == 1:
        return next(_rows(layers, block))
    kinds = list(dict.fromkeys(re.sub(r" [\dx]+.*", "", layer.words[0]) for layer in own))
    title = f"{block.name or own[0].words[0]}{_repeated(block.times)}"
    return Row(title, "", tuple(kinds[:4]), own[-1].shape, sum(layer.parameters for layer in own), block.layers)


def _all_rows(layers: Sequence[Layer], blocks: Sequence[Block]) -> list[Row]:
    """A box for each layer, or for each block where there would be too many."""
    rows = [row for block in blocks for row in _rows(layers, block)]
    return rows if len(rows) <= MOST else [_folded(layers, block) for block in blocks]


def _few(rows: list[Row]) -> list[Row]:
    """The first and the last ones, and how many there are between, where there are still too many."""
    if len(rows) <= MOST:
        return rows
    half = MOST // 2
    middle = rows[half:-half]
    places = tuple(place for row in middle for place in row.stands_for)
    count = sum(row.parameters for row in middle)
    return [*rows[:half], Row(f"{len(middle)} more", "", (), middle[-1].shape, count, places), *rows[-half:]]


class _Picture:
    def __init__(
        self, layers: Sequence[Layer], rows: Sequence[Row], inputs: Sequence[Shape], times: dict[str, int], name: str
    ) -> None:
        self._layers, self._times, self._name = layers, times, name
        entrances = [Row("input", "", (), shape, 0, (-1 - place,)) for place, shape in enumerate(inputs)]
        self._rows = [*entrances, *rows]
        self._row_of = {place: number for number, row in enumerate(self._rows) for place in row.stands_for}
        self._tops = list(self._heights())
        self._total = sum(row.parameters for row in rows) or 1

    def _heights(self) -> Iterator[float]:
        top, block = 6.0, ""
        for row in self._rows:
            top += HEAD if row.block and row.block != block else 6.0 if block and row.block != block else 0.0
            block = row.block
            yield top
            top += ROW + GAP

    def drawn(self) -> str:
        height = self._tops[-1] + ROW + 12
        label = f"the network's layers: {len(self._layers)} steps, {number(self._total)} parameters"
        head = (
            f'<defs><marker id="{self._name}-head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" '
            'markerHeight="6" orient="auto"><path d="M0 0L8 4L0 8z" fill="var(--soft)"/></marker></defs>'
        )
        pieces = [*self._frames(), *self._arrows(), *(self._box(place) for place in range(len(self._rows)))]
        return (
            f'<svg viewBox="0 0 {WIDTH:g} {height:g}" role="img" aria-label="{escape(label)}" font-size="11">'
            f"{head}{''.join(pieces)}</svg>"
        )

    def _frames(self) -> Iterator[str]:
        for block, places in groupby(range(len(self._rows)), lambda place: self._rows[place].block):
            if block:
                first, *_, last = (*places,) * 2
                top, end = self._tops[first] - HEAD + 4, self._tops[last] + ROW + 6
                yield (
                    f'<rect x="{LEFT - 8:g}" y="{top:g}" width="{BOX + 16:g}" height="{end - top:g}" rx="9" '
                    'fill="none" stroke="var(--rule)" stroke-width="1.2"/>'
                )
                name = f"{cut(block, 34)}{_repeated(self._times[block])}"
                yield text(LEFT, top + 12, name, "soft", weight="600")

    def _box(self, place: int) -> str:
        row, top = self._rows[place], self._tops[place]
        share = BOX * row.parameters / self._total
        bar = f'<rect x="{LEFT:g}" y="{top + ROW - 4:g}" width="{share:.1f}" height="4" fill="var(--one)"/>'
        right = LEFT + BOX - 8
        said = text(LEFT + 9, top + 16, cut(_proper(row.title), 30), "ink", weight="600")
        said += text(right, top + 16, _size(row.shape), "ink", "end")
        said += text(LEFT + 9, top + 30, cut(", ".join(filter(None, (row.path, *row.then))), 36), "soft")
        said += text(right, top + 30, number(row.parameters), "soft", "end") if row.parameters else ""
        return (
            f'<rect x="{LEFT:g}" y="{top:g}" width="{BOX:g}" height="{ROW:g}" fill="var(--quiet)"/>'
            f"{bar if row.parameters else ''}{said}"
        )

    # ------------------------------------------------------------ connections

    def _arrows(self) -> Iterator[str]:
        lanes: list[list[tuple[int, int]]] = [[] for _ in range(LANES)]
        for source, target in self._connections():
            if target == source + 1:
                x = LEFT + BOX / 2
                yield line(x, self._tops[source] + ROW, x, self._tops[target], "soft", 1.2).replace(
                    "/>", f' marker-end="url(#{self._name}-head)"/>'
                )
            else:
                yield self._detour(source, target, _lane(lanes, source, target))

    def _connections(self) -> list[tuple[int, int]]:
        """Between boxes, each once, forwards; short detours first, so that they lie inside of long ones."""
        pairs = {
            (self._row_of[source], self._row_of[place])
            for place, layer in enumerate(self._layers)
            for source in layer.sources
            if source in self._row_of
        }
        return sorted((pair for pair in pairs if pair[0] < pair[1]), key=lambda pair: (pair[1] - pair[0], pair))

    def _detour(self, source: int, target: int, lane: int) -> str:
        start, end = self._tops[source] + ROW - 10, self._tops[target] + 10
        edge, x = LEFT + BOX, LEFT + BOX + 16 + 7 * lane
        out = f"M{edge:g} {start:g}H{x - 4:g}Q{x:g} {start:g} {x:g} {start + 4:g}"
        back = f"V{end - 4:g}Q{x:g} {end:g} {x - 4:g} {end:g}H{edge:g}"
        return (
            f'<path d="{out}{back}" fill="none" stroke="var(--soft)" stroke-width="1.2" '
            f'marker-end="url(#{self._name}-head)"/>'
        )


def _lane(lanes: list[list[tuple[int, int]]], source: int, target: int) -> int:
    """The innermost one that is free all the way; the outermost holds all that find no other."""
    free = (n for n, lane in enumerate(lanes) if all(target <= start or end <= source for start, end in lane))
    found = next(free, LANES - 1)
    lanes[found].append((source, target))
    return found


def _repeated(times: int) -> str:
    return f" (\u00d7 {times})" if times > 1 else ""


def _size(shape: Shape) -> str:
    """Without the batch: "16 x 8 x 8", "?" for a free size."""
    return " \u00d7 ".join("?" if size is None else f"{size:,}" for size in shape[1:]) or "1"


def _proper(title: str) -> str:
    """ "conv 3x3, 16 to 20" with the signs that print has for it."""
    return re.sub(r"(?<=\d)x(?=\d)", "\u00d7", title).replace(" to ", " \u2192 ")
