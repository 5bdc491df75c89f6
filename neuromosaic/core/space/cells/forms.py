"""One text for all cells that are the same network, and for all that a paper counts as one."""

from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import permutations, product

from neuromosaic.core.space.cells.layout import NONE, SKIP, Cell, CellLayout, Edge

PARAMETER_FREE = frozenset({"avg_pool_3x3", "max_pool_3x3"})


def network_form(cell: Cell, layout: CellLayout, parameter_free: Collection[str] = PARAMETER_FREE) -> str:
    """The text of the network that a cell is: equal exactly where two cells are one network, nodes renamed.

    An edge without an operation brings nothing, nor does what nothing reaches; what does not reach the output is
    left out; a skip brings its source itself. Two edges with weights are two operations even where they do the
    same; two without weights on one source are one. (So it merges more than the NAS-Bench-201 paper where zeros
    are summed, and less where two nodes do the same with weights of their own.)
    """
    network = _Network(layout, parameter_free)
    sums: dict[int, tuple[int, ...]] = {node: (node,) for node in range(layout.inputs)}
    for node in range(layout.inputs):
        network.add(f"in{node}", ())
    for node in layout.inner:
        sums[node] = network.summed(node, cell, sums)
    outputs = [sums[node] for node in layout.inner] if layout.concatenates else [sums[layout.inner[-1]]]
    return network.text(outputs)


class _Network:
    """Operations by number: each with its label, which spells out all that leads to it, and what it sums up."""

    def __init__(self, layout: CellLayout, parameter_free: Collection[str]) -> None:
        self._layout, self._free = layout, parameter_free
        self._labels: list[str] = []
        self._sources: list[tuple[int, ...]] = []
        self._known: dict[tuple[str, tuple[int, ...]], int] = {}

    def add(self, operation: str, sources: tuple[int, ...]) -> int:
        inner = "+".join(sorted([self._labels[source] for source in sources]))
        self._labels.append(f"{operation}({inner})" if sources else operation)
        self._sources.append(sources)
        return len(self._labels) - 1

    def summed(self, node: int, cell: Cell, sums: Mapping[int, tuple[int, ...]]) -> tuple[int, ...]:
        found: list[int] = []
        for source in range(node):
            operation, brought = cell.get((source, node), NONE), sums[source]
            if operation == NONE or not brought:
                continue
            if self._layout.is_skip((source, node), operation):
                found += brought
            elif operation in self._free:
                known = self._known.get((operation, brought))
                self._known[operation, brought] = number = (
                    known if known is not None else self.add(operation, brought)
                )
                found.append(number)
            else:
                found.append(self.add(operation, brought))
        return tuple(sorted(found))

    def text(self, outputs: list[tuple[int, ...]]) -> str:
        if len(set(self._labels)) == len(self._labels):  # labels tell everything apart
            return _joined(outputs, self._labels)
        alike: dict[str, list[int]] = {}
        for number in self._reached(outputs):
            alike.setdefault(self._labels[number], []).append(number)
        twins = [group for group in alike.values() if len(group) > 1]
        if not twins:
            return _joined(outputs, self._labels)
        return min(self._named(outputs, alike, twins, order) for order in _orders(twins))

    def _reached(self, outputs: Iterable[tuple[int, ...]]) -> list[int]:
        seen: dict[int, None] = {}
        waiting = [number for output in outputs for number in output]
        while waiting:
            number = waiting.pop()
            if number not in seen:
                seen[number] = None
                waiting += self._sources[number]
        return list(seen)

    def _named(
        self,
        outputs: list[tuple[int, ...]],
        alike: Mapping[str, list[int]],
        twins: list[list[int]],
        order: Iterable[tuple[int, ...]],
    ) -> str:
        names = list(self._labels)
        for group, places in zip(twins, order, strict=True):
            for number, place in zip(group, places, strict=True):
                names[number] = f"{names[number]}#{place}"
        lines = sorted(
            f"{names[number]}<{_joined([self._sources[number]], names)}"
            for group in alike.values()
            for number in group
        )
        return ";".join([*lines, _joined(outputs, names)])


def _orders(twins: list[list[int]]) -> Iterable[tuple[tuple[int, ...], ...]]:
    return product(*(permutations(range(len(group))) for group in twins))


def _joined(outputs: list[tuple[int, ...]], names: list[str]) -> str:
    return "|".join(sorted(["+".join(sorted([names[number] for number in output])) for output in outputs]))


# ---------------------------------------------------------------- what others count


def _spelled(cell: Cell, layout: CellLayout, operation: Callable[[str, str], str]) -> str:
    """The nested text of sums, terms sorted, in which `operation` writes one edge (its operation, its source)."""
    sums = {0: "0"}
    for node in layout.inner:
        sums[node] = "+".join(sorted(operation(cell.get((s, node), NONE), sums[s]) for s in range(node)))
    return sums[layout.inner[-1]]


def as_written(cell: Cell, layout: CellLayout) -> str:
    """Every edge counts: 15,625 in NAS-Bench-201."""
    return _spelled(cell, layout, lambda operation, source: f"({source})@{operation}")


def up_to_skips(cell: Cell, layout: CellLayout) -> str:
    """Skips are read as their source: 12,751 in NAS-Bench-201."""
    return _spelled(
        cell, layout, lambda operation, source: source if operation == SKIP else f"({source})@{operation}"
    )


def up_to_skips_and_zeros(cell: Cell, layout: CellLayout) -> str:
    """Besides, an edge of nothing, or from nothing, is a zero, which still stands in its sum.

    This is how NAS-Bench-201 (Dong and Yang, 2020, arXiv:2001.00326) counts its 6,466 unique cells.
    """

    def written(operation: str, source: str) -> str:
        if operation == NONE or source == "#":
            return "#"
        return source if operation == SKIP else f"({source})@{operation}"

    return _spelled(cell, layout, written)


DEFINITIONS: dict[str, Callable[[Cell, CellLayout], str]] = {
    "as written": as_written,
    "skips": up_to_skips,
    "skips and zeros (NAS-Bench-201)": up_to_skips_and_zeros,
    "network": network_form,
}


def distinct(layout: CellLayout, definition: Callable[[Cell, CellLayout], str]) -> int:
    """How many of all cells of a layout are different under a definition, by trying every one."""
    every = product(layout.operations, repeat=len(layout.edges))
    return len({definition(_cell(layout.edges, operations), layout) for operations in every})


def _cell(edges: tuple[Edge, ...], operations: tuple[str, ...]) -> Cell:
    return {edge: operation for edge, operation in zip(edges, operations, strict=True) if operation != NONE}
