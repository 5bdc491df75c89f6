"""Encodings of cells: by their edges, and by their paths."""

from collections.abc import Mapping
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from neuromosaic.core.errors import SpaceError
from neuromosaic.core.space.cells.layout import NONE, Cell, CellLayout, Edge
from neuromosaic.core.space.cells.spaces import CellSpace
from neuromosaic.core.space.encoders.base import BaseEncoder, Vector, checked
from neuromosaic.core.space.encoders.nearest import nearest_valid
from neuromosaic.core.space.parameters import Point


class AdjacencyEncoder(BaseEncoder):
    """The adjacency matrix of each cell, one-hot in the operation on an edge, zeros where there is none.

    (White et al., 2020, arXiv:2007.04965, section 3: the one-hot adjacency encoding.) One place per possible edge
    and operation. `decode` takes an edge for none where no operation has more than a half; where nodes choose their
    edges, the strongest ones. `decode(encode(a)) == a`.
    """

    def __init__(self, space: CellSpace) -> None:
        _check_cells_alone(space)
        self.space = space
        self._places = [
            (layout, edge, operation)
            for layout in space.layouts
            for edge in layout.edges
            for operation in layout.operations
            if operation != NONE
        ]
        self._numbers = {(layout.prefix, e, o): number for number, (layout, e, o) in enumerate(self._places)}
        self.dimension = len(self._places)

    def encode(self, architecture: Mapping[str, Any]) -> Vector:
        """float64 [dimension], of zeros and ones. Raises SpaceError for a point outside the space."""
        self.space.check(architecture)
        return self._encoded(architecture)

    def _encoded(self, point: Mapping[str, Any]) -> Vector:
        vector = np.zeros(self.dimension)
        for layout in self.space.layouts:
            for edge, operation in layout.read(point).items():
                vector[self._numbers[layout.prefix, edge, operation]] = 1.0
        return vector

    def decode(self, vector: Vector) -> Point:
        """The nearest cell. Raises SpaceError for NaN or a wrong shape, and where no valid cell is found near."""
        given = checked(vector, self.dimension)
        point: Point = {}
        for layout in self.space.layouts:
            point |= layout.write(self._cell(layout, given))
        if self.space.contains(point):
            return point
        return nearest_valid(
            self.space, point, lambda points: np.array([((self._encoded(p) - given) ** 2).sum() for p in points])
        )

    def _cell(self, layout: CellLayout, vector: Vector) -> Cell:
        strongest: dict[Edge, tuple[float, str]] = {}
        for operation, edge in ((o, e) for e in layout.edges for o in layout.operations if o != NONE):
            strength = float(vector[self._numbers[layout.prefix, edge, operation]])
            if edge not in strongest or strength > strongest[edge][0]:
                strongest[edge] = (strength, operation)
        if layout.choose is None:
            least = 0.5 if NONE in layout.operations else -1.0
            return {edge: operation for edge, (strength, operation) in strongest.items() if strength > least}
        cell: dict[Edge, str] = {}
        for node in layout.inner:
            into = sorted((edge for edge in layout.edges if edge[1] == node), key=lambda edge: -strongest[edge][0])
            cell |= {edge: strongest[edge][1] for edge in into[: layout.choose]}
        return cell


def _check_cells_alone(space: CellSpace) -> None:
    cells = {name for layout in space.layouts for name in layout.parameters()}
    beside = [name for name in space.parameters if name not in cells]
    if beside:
        raise SpaceError(f"{', '.join(beside)}: this encoding has no place for what is no cell; use PointEncoder")


class PathEncoder(BaseEncoder):
    """Which paths from input to output a cell has: one place per possible sequence of operations along one.

    (White et al., 2021, "BANANAS", arXiv:1910.11858, section 4; `none` breaks a path, a skip is a step like others.)
    Different cells may have the same paths. So `decode` gives the first cell, in the order of the space, whose paths
    are nearest in squared distance, and `encode(decode(encode(a))) == encode(a)`; for cells, of which up to 100,000
    can be listed.
    """

    def __init__(self, space: CellSpace) -> None:
        if len(space.layouts) != 1 or space.layouts[0].choose is not None or space.layouts[0].inputs != 1:
            raise SpaceError("a path encoding needs one cell with one input and an operation on every edge")
        _check_cells_alone(space)
        size = space.size()
        if size is None or size > 100_000:
            raise SpaceError("a path encoding is decoded by a list of all cells: there may be up to 100,000")
        self.space = space
        self._layout = space.layouts[0]
        steps = [operation for operation in self._layout.operations if operation != NONE]
        sequences = (p for length in range(1, self._layout.nodes + 1) for p in product(steps, repeat=length))
        self._numbers = {sequence: number for number, sequence in enumerate(sequences)}
        self.dimension = len(self._numbers)

    def encode(self, architecture: Mapping[str, Any]) -> Vector:
        """float64 [dimension], of zeros and ones. Raises SpaceError for a point outside the space."""
        self.space.check(architecture)
        return self._encoded(self._layout.read(architecture))

    def _encoded(self, cell: Cell) -> Vector:
        vector = np.zeros(self.dimension)
        vector[[self._numbers[path] for path in self._paths(cell)]] = 1.0
        return vector

    def _paths(self, cell: Cell) -> set[tuple[str, ...]]:
        paths: dict[int, set[tuple[str, ...]]] = {0: {()}}
        for node in self._layout.inner:
            into = [(source, cell[source, node]) for source in range(node) if (source, node) in cell]
            paths[node] = {(*path, operation) for source, operation in into for path in paths[source]}
        return paths[self._layout.inner[-1]]

    def decode(self, vector: Vector) -> Point:
        """The first cell with the nearest paths. Raises SpaceError for NaN or a wrong shape."""
        given = checked(vector, self.dimension)
        points, codes = self._table
        distances = codes.sum(axis=1) - 2 * (codes @ given)
        return dict(points[int(np.argmin(distances))])

    @cached_property
    def _table(self) -> tuple[list[Point], npt.NDArray[np.float64]]:
        first: dict[bytes, tuple[Point, Vector]] = {}
        for point in self.space.enumerate():
            code = self._encoded(self._layout.read(point))
            first.setdefault(code.tobytes(), (point, code))
        points, codes = zip(*first.values(), strict=True)
        return list(points), np.stack(codes)
