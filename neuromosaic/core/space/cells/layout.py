"""Cells as points: which parameters a cell of nodes and edges has."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

from neuromosaic.core.errors import SpaceError
from neuromosaic.core.space.parameters import Point, Scalar

NONE, SKIP = "none", "skip_connect"
Edge = tuple[int, int]
Cell = Mapping[Edge, str]


@dataclass(frozen=True)
class CellLayout:
    """`inputs` nodes, then `nodes` that sum what their edges bring; every edge runs from an earlier node.

    With `choose` None every edge has an operation, `none` among them (NAS-Bench-201); else every node chooses that
    many of its edges (two in DARTS). `prefix` tells the cells of one space apart. The output is the last node, or
    all nodes that are no inputs, concatenated (`concatenates`). In a cell that `reduces`, edges from the inputs halve
    the resolution, so that a skip there is an operation with weights like others.
    """

    operations: tuple[str, ...]
    inputs: int = 1
    nodes: int = 3
    choose: int | None = None
    prefix: str = ""
    concatenates: bool = False
    reduces: bool = False

    def __post_init__(self) -> None:
        if len(set(self.operations)) != len(self.operations) or not self.operations:
            raise SpaceError(f"operations: name each once, and at least one, not {list(self.operations)}")
        if self.inputs < 1 or self.nodes < 1 or (self.choose is not None and not 1 <= self.choose <= self.inputs):
            raise SpaceError("a cell needs an input, a node, and no more choices for a node than there are inputs")

    @cached_property
    def edges(self) -> tuple[Edge, ...]:
        """All that may be there, by the node that they run to."""
        return tuple((source, node) for node in self.inner for source in range(node))

    @property
    def inner(self) -> range:
        return range(self.inputs, self.inputs + self.nodes)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The parameter of each edge where all have an operation: "op_0_1" for the one from node 0 to node 1."""
        return tuple(f"{self.prefix}op_{source}_{node}" for source, node in self.edges)

    def parameters(self) -> dict[str, dict[str, Any]]:
        operation = {"type": "categorical", "values": list(self.operations)}
        if self.choose is None:
            return {name: dict(operation) for name in self.names}
        found: dict[str, dict[str, Any]] = {}
        for node in self.inner:
            found[f"{self.prefix}from_{node}"] = {"type": "categorical", "values": self.sources(node)}
            for slot in range(self.choose):
                found[f"{self.prefix}op_{node}_{slot}"] = dict(operation)
        return found

    def sources(self, node: int) -> list[str]:
        """What a node may choose as its sources: "0,1", "0,2", ..."""
        return [",".join(map(str, chosen)) for chosen in combinations(range(node), self.choose or 0)]

    def read(self, point: Mapping[str, Scalar]) -> dict[Edge, str]:
        """The operation of each edge that the cell has; edges with `none` are left out."""
        if self.choose is None:
            every = zip(self.edges, self.names, strict=True)
            return {edge: str(point[name]) for edge, name in every if point[name] != NONE}
        return {
            (source, node): str(point[f"{self.prefix}op_{node}_{slot}"])
            for node in self.inner
            for slot, source in enumerate(map(int, str(point[f"{self.prefix}from_{node}"]).split(",")))
        }

    def is_skip(self, edge: Edge, operation: str) -> bool:
        """Whether the edge brings its source unchanged."""
        return operation == SKIP and not (self.reduces and edge[0] < self.inputs)

    def write(self, cell: Cell) -> Point:
        """The point of a cell: the inverse of `read`."""
        if self.choose is None:
            return {name: cell.get(edge, NONE) for edge, name in zip(self.edges, self.names, strict=True)}
        point: Point = {}
        for node in self.inner:
            chosen = sorted(source for source, to in cell if to == node)
            point[f"{self.prefix}from_{node}"] = ",".join(map(str, chosen))
            for slot, source in enumerate(chosen):
                point[f"{self.prefix}op_{node}_{slot}"] = cell[source, node]
        return point
