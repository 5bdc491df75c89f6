"""Networks that stack a searched cell: NAS-Bench-201 and DARTS."""

from collections.abc import Callable, Mapping
from itertools import combinations, pairwise

from neuromosaic.core.architecture.spec import ArchitectureSpec, Input
from neuromosaic.core.space.cells.layout import NONE, Cell, CellLayout, Edge
from neuromosaic.core.space.cells.spaces import DARTS, NASBENCH201, CellSpace
from neuromosaic.core.space.parameters import Point
from neuromosaic.core.space.ready.drawing import Drawing, Step, relu_conv_norm

Wide = Mapping[Edge, tuple[str, ...]]
"""The operations of each edge: one in a network, all of them in the whole of a space."""


def nasbench201(inputs: tuple[Input, ...], outputs: int, width: int = 16, cells: int = 5) -> CellSpace:
    """The macro skeleton of NAS-Bench-201 (Dong and Yang, 2020, arXiv:2001.00326, figure 1) around its cell.

    A 3x3 stem to `width` channels, three stages of `cells` cells with a residual block that halves the image and
    doubles the width between them, batch norm, ReLU, global pooling, a linear layer. Cells in which nothing leads
    from input to output are left out; so are edges that lead nowhere, which the benchmark builds.
    """
    return summing_cells(NASBENCH201, inputs, outputs, width, cells, name="nasbench201")


def summing_cells(
    layout: CellLayout,
    inputs: tuple[Input, ...],
    outputs: int,
    width: int,
    cells: int,
    stages: int = 3,
    name: str = "",
) -> CellSpace:
    """NAS-Bench-201's skeleton around any cell of one input whose every edge has one of its operations."""

    def draw(cell: Wide, point: Point) -> ArchitectureSpec:
        drawing = Drawing(inputs)
        here = drawing.chain(
            inputs[0].name, ("conv", {"channels": width, "kernel": 3, "bias": False}), ("batch_norm", {})
        )
        for number in range(stages * cells):
            stage = number // cells
            if stage and number % cells == 0:
                here = _reduction(drawing, here, width * 2**stage)
            here = _summing_cell(drawing, layout, cell, here, width * 2**stage, number)
        here = drawing.chain(here, ("batch_norm", {}), ("relu", {}), ("global_pool", {}))
        drawing.add("linear", here, features=outputs)
        return drawing.spec(name, point)

    def build(point: Point) -> ArchitectureSpec:
        return draw({edge: (one,) for edge, one in live(layout.read(point), layout).items()}, point)

    def whole() -> ArchitectureSpec:
        return draw(_every(layout), {})

    constraints = [_leads_through(layout)] if NONE in layout.operations else []
    return CellSpace([layout], constraints, name=name, build=build, whole=whole)


def _every(layout: CellLayout) -> dict[Edge, tuple[str, ...]]:
    return dict.fromkeys(layout.edges, tuple(name for name in layout.operations if name != NONE))


def _leads_through(layout: CellLayout) -> str:
    """That some way from the input to the last node has no `none` on it."""
    ways = [(0, *between, layout.inner[-1]) for count in range(layout.nodes)
            for between in combinations(layout.inner[:-1], count)]  # fmt: skip
    names = dict(zip(layout.edges, layout.names, strict=True))
    open_ = [" and ".join(f'{names[edge]} != "none"' for edge in pairwise(way)) for way in ways]
    return " or ".join(f"({each})" for each in open_)


def live(cell: Cell, layout: CellLayout) -> dict[Edge, str]:
    """The edges that something reaches and that reach the output."""
    reached, reaching = set(range(layout.inputs)), {layout.inner[-1]}
    for node in layout.inner:
        if any(source in reached for source, to in cell if to == node):
            reached.add(node)
    for node in reversed(layout.inner):
        if node in reaching:
            reaching |= {source for source, to in cell if to == node}
    return {edge: name for edge, name in cell.items() if edge[0] in reached and edge[1] in reaching}


def _summing_cell(drawing: Drawing, layout: CellLayout, cell: Wide, source: str, width: int, number: int) -> str:
    operations: dict[str, list[Step]] = {
        "skip_connect": [],
        "nor_conv_1x1": relu_conv_norm(width, 1),
        "nor_conv_3x3": relu_conv_norm(width, 3),
        "avg_pool_3x3": [("avg_pool", {"kernel": 3, "stride": 1})],
        "max_pool_3x3": [("max_pool", {"kernel": 3, "stride": 1})],
    }
    nodes = {0: source}
    for node in layout.inner:
        parts = []
        for (start, end), names in cell.items():
            for name in names if end == node else ():
                with drawing.at(f"cell{number}/{layout.prefix}{start}_{end}/{name}"):
                    parts.append(drawing.chain(nodes[start], *_drawn(operations[name], names)))
        if parts:
            nodes[node] = drawing.sum(parts)
    return nodes[layout.inner[-1]]


def _drawn(steps: list[Step], beside: tuple[str, ...]) -> list[Step]:
    """A skip beside other operations is a layer, so that it can be weighed."""
    return steps or ([("skip", {})] if len(beside) > 1 else [])


def _reduction(drawing: Drawing, source: str, width: int) -> str:
    """ResNet's basic block as the benchmark has it: pooling and a 1x1 convolution beside two 3x3 ones."""
    straight = drawing.chain(source, *relu_conv_norm(width, 3, stride=2), *relu_conv_norm(width, 3))
    beside = drawing.chain(source, ("avg_pool", {}), ("conv", {"channels": width, "kernel": 1, "bias": False}))
    return drawing.add("add", beside, straight)


def darts(inputs: tuple[Input, ...], outputs: int, width: int = 16, cells: int = 8) -> CellSpace:
    """The network of DARTS (Liu et al., 2019, arXiv:1806.09055, section 3.1 and appendix A.1) around its two cells.

    A 3x3 stem to three times `width`; `cells` cells, of which those at a third and at two thirds halve the image and
    double the width; each takes the outputs of the two before it. Then global pooling and a linear layer. Sides of
    the image must be multiples of four.
    """

    def draw(pick: Callable[[CellLayout], Wide], point: Point) -> ArchitectureSpec:
        drawing = Drawing(inputs)
        stem = drawing.chain(
            inputs[0].name, ("conv", {"channels": 3 * width, "kernel": 3, "bias": False}), ("batch_norm", {})
        )
        before, last, channels, reduced = stem, stem, width, False
        for number in range(cells):
            reduces = number in (cells // 3, 2 * cells // 3)
            channels *= 2 if reduces else 1
            layout = DARTS[1 if reduces else 0]
            made = _choosing_cell(drawing, layout, pick(layout), (before, last), channels, reduced, number)
            before, last, reduced = last, made, reduces
        drawing.add("linear", drawing.add("global_pool", last), features=outputs)
        return drawing.spec("darts", point)

    def build(point: Point) -> ArchitectureSpec:
        return draw(lambda layout: {edge: (one,) for edge, one in layout.read(point).items()}, point)

    return CellSpace(DARTS, name="darts", build=build, whole=lambda: draw(_every, {}))


def _choosing_cell(
    drawing: Drawing, layout: CellLayout, cell: Wide, sources: tuple[str, str], width: int, reduced: bool, number: int
) -> str:
    first: list[Step] = [("relu", {}), ("factorized_reduce", {"channels": width})]
    used = {source for source, _ in cell}
    nodes: dict[int, str] = {}
    for node, source in enumerate(sources):
        if node in used:
            with drawing.at(f"cell{number}/{node}"):
                steps = first if reduced and node == 0 else relu_conv_norm(width, 1)
                nodes[node] = drawing.chain(source, *steps)
    for node in layout.inner:
        parts = []
        for (start, end), names in cell.items():
            stride = 2 if layout.reduces and start < layout.inputs else 1
            for name in names if end == node else ():
                with drawing.at(f"cell{number}/{layout.prefix}{start}_{end}/{name}"):
                    parts.append(drawing.chain(nodes[start], *_drawn(_operation(name, width, stride), names)))
        nodes[node] = drawing.sum(parts)
    return drawing.add("concat", *[drawing.add("skip", nodes[node]) for node in layout.inner])


def _operation(name: str, width: int, stride: int) -> list[Step]:
    if name == "skip_connect":
        return [("relu", {}), ("factorized_reduce", {"channels": width})] if stride == 2 else []
    kind, _, size = name.rpartition("_")
    kernel = int(size[0])
    if kind in ("max_pool", "avg_pool"):
        return [(kind, {"kernel": kernel, "stride": stride, "norm": True})]
    if kind == "dil_conv":
        return _separable(width, kernel, stride, dilation=2)
    return [*_separable(width, kernel, stride), *_separable(width, kernel, 1)]


def _separable(width: int, kernel: int, stride: int, dilation: int = 1) -> list[Step]:
    return [
        ("relu", {}),
        ("depthwise_conv", {"kernel": kernel, "stride": stride, "dilation": dilation, "bias": False}),
        ("conv", {"channels": width, "kernel": 1, "bias": False}),
        ("batch_norm", {}),
    ]
