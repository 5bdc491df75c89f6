"""The cells of NAS-Bench-201 and of DARTS, and any other, as search spaces."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import permutations, product
from typing import Any

from neuromosaic.core.errors import SpaceError
from neuromosaic.core.space.cells.forms import network_form
from neuromosaic.core.space.cells.layout import Cell, CellLayout
from neuromosaic.core.space.parameters import Parameter, Point
from neuromosaic.core.space.space import SearchSpace

NASBENCH201 = CellLayout(("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"))
DARTS_OPERATIONS = (
    "max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5",
)  # fmt: skip
DARTS = tuple(
    CellLayout(DARTS_OPERATIONS, inputs=2, nodes=4, choose=2, prefix=prefix, concatenates=True, reduces=reduces)
    for prefix, reduces in (("normal_", False), ("reduce_", True))
)
LISTED = 100_000


class CellSpace(SearchSpace):
    """A space of one cell, or of several side by side (`layouts`); isomorphic cells have one key.

    `parameters` are others beside them, of the skeleton that stacks the cells: width, cells per stage.

    `whole` draws the network that holds every operation on every edge (what differentiable search weighs), its layers
    at their places.

    `canonical` is the first of all cells that are the same network where there are up to 100,000; for cells whose
    nodes choose their sources, the smallest renaming of the nodes.
    """

    def __init__(
        self,
        layouts: Sequence[CellLayout],
        constraints: Sequence[str | Callable[[Point], Any]] = (),
        *,
        parameters: Mapping[str, Parameter | Mapping[str, Any]] | None = None,
        name: str = "",
        build: Callable[[Point], Any] | None = None,
        whole: Callable[[], Any] | None = None,
    ) -> None:
        every: dict[str, Any] = dict(parameters or {})
        for layout in layouts:
            clash = every.keys() & layout.parameters().keys()
            if clash:
                raise SpaceError(f"layouts: {min(clash)!r} stands there twice; give each cell a prefix of its own")
            every |= layout.parameters()
        super().__init__(every, constraints, name=name, build=build)
        self.layouts = tuple(layouts)
        self.whole = whole
        self.beside = tuple(parameters or ())

    def with_build(
        self, build: Callable[[Point], Any], constraints: Sequence[str | Callable[[Point], Any]] = ()
    ) -> "CellSpace":
        beside = {name: self.parameters[name] for name in self.beside}
        every = [*self._given(), *constraints]
        return CellSpace(self.layouts, every, parameters=beside, name=self.name, build=build, whole=self.whole)

    def form(self, point: Point) -> str:
        """The text of the network that the point's cells are; see `network_form`."""
        cells = [network_form(layout.read(point), layout) for layout in self.layouts]
        beside = self._beside(point)
        return "/".join([*cells, json.dumps(beside, sort_keys=True)] if beside else cells)

    def _beside(self, point: Point) -> Point:
        return {name: point[name] for name in self.beside if name in point}

    def canonical(self, point: Point) -> Point:
        found = self._beside(point)
        for layout in self.layouts:
            found |= first_alike(point, layout)
        return found


def first_alike(point: Point, layout: CellLayout) -> Point:
    """The cell that stands for all that are the same network."""
    cell = layout.read(point)
    if layout.choose is None and len(layout.operations) ** len(layout.edges) <= LISTED:
        return dict(zip(layout.names, _firsts(layout)[network_form(cell, layout)], strict=True))
    if layout.choose is None:
        raise SpaceError(f"a cell of {len(layout.edges)} edges has too many forms to list: compare them by `form`")
    return layout.write(min(_renamed(cell, layout), key=lambda other: sorted(other.items())))


@cache
def _firsts(layout: CellLayout) -> dict[str, tuple[str, ...]]:
    """By form, the first of all cells; made once, 0.2 s for NAS-Bench-201."""
    firsts: dict[str, tuple[str, ...]] = {}
    for operations in product(layout.operations, repeat=len(layout.edges)):
        cell = {edge: one for edge, one in zip(layout.edges, operations, strict=True) if one != "none"}
        firsts.setdefault(network_form(cell, layout), operations)
    return firsts


def _renamed(cell: Cell, layout: CellLayout) -> list[dict[tuple[int, int], str]]:
    """The cell under every order of its nodes in which edges still run forwards."""
    found = []
    for order in permutations(layout.inner):
        number = {node: node for node in range(layout.inputs)} | dict(zip(order, layout.inner, strict=True))
        renamed = {(number[source], number[node]): operation for (source, node), operation in cell.items()}
        if all(source < node for source, node in renamed):
            found.append(renamed)
    return found


def nasbench201_cells() -> CellSpace:
    """The cell of NAS-Bench-201 (Dong and Yang, 2020, arXiv:2001.00326): 15,625 cells of 4 nodes."""
    return CellSpace([NASBENCH201], name="nasbench201")


def darts_cells() -> CellSpace:
    """The two cells of DARTS (Liu et al., 2019, arXiv:1806.09055): each of 4 nodes chooses 2 edges."""
    return CellSpace(DARTS, name="darts")


def read_nasbench201(text: str) -> Point:
    """The point of a cell as the benchmark writes it: "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|...|".

    Raises SpaceError naming what cannot be read.
    """
    pieces = [piece for node in text.split("+") for piece in node.strip("|").split("|")]
    parsed = [piece.rpartition("~") for piece in pieces]
    sources = [str(source) for source, _ in NASBENCH201.edges]
    if [source for _, _, source in parsed] != sources:
        raise SpaceError(f"{text!r} is no NAS-Bench-201 cell: 6 edges from {','.join(sources)} are needed")
    point: Point = {name: operation for name, (operation, _, _) in zip(NASBENCH201.names, parsed, strict=True)}
    nasbench201_cells().check(point)
    return point


def write_nasbench201(point: Point) -> str:
    """The cell as the benchmark writes it."""
    nodes = []
    for node in NASBENCH201.inner:
        names = [f"{point[f'op_{source}_{node}']}~{source}" for source in range(node)]
        nodes.append("|" + "|".join(names) + "|")
    return "+".join(nodes)
