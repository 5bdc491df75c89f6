"""How a network is wired: its operations, what flows where, and what the paths through it alone can tell.

Nothing is run and no weight is read: a graph's document is enough, of a spec as of a network that somebody wrote.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from neuromosaic.core.graph.arguments import Reference, operands, references
from neuromosaic.core.graph.document import Graph
from neuromosaic.core.graph.outline import RESHAPING, base, is_computed

FIGURES: Final = ("weights", "positions of a kernel", "channels", "values")
"""Of an operation, each as log2(1 + figure): weights that it reads, places that one of its outputs looks at through
weights, channels and values that one example has behind it."""

PASSED_OVER: Final = RESHAPING | {"flatten"}
Node = Mapping[str, Any]


class Operation(NamedTuple):
    """`kind` such as "conv2d"; `figures` as FIGURES; `sources`: places of the operations that it reads."""

    kind: str
    figures: tuple[float, ...]
    sources: tuple[int, ...]

    @property
    def weighted(self) -> bool:
        return self.figures[0] > 0


def wiring(graph: Graph) -> list[Operation]:
    """The operations in eval mode that the output is made of, in order; network inputs come first ("input").

    Views and copies are what they are of; a product with zero passes nothing on.
    """
    trace, matrices = graph.document["eval"], _matrices(graph)
    nodes = {node["name"]: node for node in trace["nodes"] if is_computed(node)}
    wanted = _behind(trace["output"], nodes)
    inputs = len(graph.document["inputs"])
    places: dict[Reference, int] = {("input", number): number for number in range(inputs)}
    found = [Operation("input", (0.0,) * len(FIGURES), ()) for _ in range(inputs)]
    for name in (name for name in nodes if name in wanted):
        sources = [*dict.fromkeys(places[one] for one in _read(nodes[name]) if one in places)]
        if base(nodes[name]) in PASSED_OVER and len(sources) == 1:
            places["node", name] = sources[0]
            continue
        places["node", name] = len(found)
        found.append(Operation(base(nodes[name]), _figures(nodes[name], matrices), tuple(sources)))
    return found


def structure(operations: list[Operation]) -> dict[str, float]:
    """Numbers that may tell a network's worth: the layers with weights on its shortest, mean and longest path from
    an input to the output; the logarithm of how many paths there are; how many operations of each kind.

    An output that no input reaches has no path, and no length of one.
    """
    shortest, longest = [math.inf] * len(operations), [-math.inf] * len(operations)
    paths, lengths = [0.0] * len(operations), [0.0] * len(operations)  # lengths: summed over all paths
    for place, one in enumerate(operations):
        step = float(one.weighted)
        if one.kind == "input":
            shortest[place], longest[place], paths[place] = 0.0, 0.0, 1.0
            continue
        shortest[place] = min((shortest[source] for source in one.sources), default=math.inf) + step
        longest[place] = max((longest[source] for source in one.sources), default=-math.inf) + step
        paths[place] = sum(paths[source] for source in one.sources)
        lengths[place] = sum(lengths[source] for source in one.sources) + step * paths[place]
    reached = bool(operations) and paths[-1] > 0
    found = {f"how many {kind}": float(count) for kind, count in _counts(operations).items()}
    found |= {"shortest path": shortest[-1], "longest path": longest[-1]} if reached else {}
    found |= {"mean path": lengths[-1] / paths[-1], "paths": math.log1p(paths[-1])} if reached else {}
    return {name: value for name, value in found.items() if math.isfinite(value)}  # paths can be too many to count


def _counts(operations: list[Operation]) -> Counter[str]:
    """By kind, and kernel where there is one."""
    return Counter(label(one) for one in operations if one.kind != "input")


def label(operation: Operation) -> str:
    """Its kind, with the kernel's positions where these are several: "conv2d over 9"."""
    seen = round(2 ** operation.figures[1] - 1)
    return f"{operation.kind} over {seen}" if seen > 1 else operation.kind


def _behind(output: Any, nodes: Mapping[str, Node]) -> set[str]:
    """What the output is made of; of a dict with "output", without the scalars beside it."""
    parts = output.get("dict", {}) if isinstance(output, dict) else {}
    wanted = {str(name) for kind, name in references([parts.get("output", output)]) if kind == "node"}
    for name in reversed([*nodes]):
        if name in wanted:
            wanted |= {str(source) for kind, source in _read(nodes[name]) if kind == "node"}
    return wanted


def _read(node: Node) -> Iterator[Reference]:
    nothing = base(node) == "mul" and any(type(one) in (int, float) and one == 0 for one in node["args"])
    return iter(()) if nothing else operands(dict(node))


def _matrices(graph: Graph) -> dict[str, tuple[int, ...]]:
    """Shapes of the parameters of more than one axis, by name."""
    entries = graph.document["parameters"]
    shapes = {one["name"]: graph.tensors[one.get("same_as", one["name"])].shape for one in entries}
    return {name: shape for name, shape in shapes.items() if len(shape) > 1}


def _figures(node: Node, matrices: Mapping[str, tuple[int, ...]]) -> tuple[float, ...]:
    weights = [matrices[str(name)] for kind, name in operands(dict(node)) if kind == "tensor" and name in matrices]
    kernel = math.prod(weights[0][2:]) if weights else 0
    sizes = [size for size in node.get("shape", ()) if size is not None]
    counted = sum(map(math.prod, weights)), kernel, sizes[0] if sizes else 0, math.prod(sizes) if sizes else 0
    return tuple(math.log2(1 + figure) for figure in counted)
